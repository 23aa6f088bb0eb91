import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { centroids } from "../../src/analysis/centroids.js";
import { clusterOrder } from "../../src/analysis/cluster-order.js";
import { map2d } from "../../src/analysis/map-2d.js";
import { typicalUtterances } from "../../src/analysis/typical-utterances.js";
import type { NdArray } from "../../src/format/nd-array.js";
import { readNpy } from "../../src/format/npy.js";
import { readPickle } from "../../src/format/read-pickle.js";
import type { Matrix } from "../../src/types.js";
import { random } from "../format/random.js";
import { python, runPython } from "../python.js";
import { temporaryFolder } from "../tiny.js";
import { madeUp, near, numbers, origin, referenceUtterances } from "./reference.js";

const folder = temporaryFolder("shapes");
const write = (name: string, value: unknown) => {
  writeFileSync(join(folder, name), JSON.stringify(value));
  return join(folder, name);
};

/** Cosines of all pairs. */
function matrixOf(rows: readonly { embedding: Float32Array }[]): Matrix {
  const n = rows.length;
  const unit = rows.map(({ embedding }) => {
    const length = Math.hypot(...embedding);
    return Array.from(embedding, (x) => x / length);
  });
  const data = Float32Array.from({ length: n * n }, (_, at) => {
    const [a, b] = [unit[Math.floor(at / n)], unit[at % n]];
    return a.reduce((sum, x, k) => sum + x * b[k], 0);
  });
  return { data, rows: n, columns: n };
}

const means = suite("centroids");
means("are the speaker embeddings of the reference", () => {
  const rows = readPickle(readFileSync(join(origin, "speaker_embeddings.pkl"))) as Record<
    string,
    { embedding: NdArray; num_utterances: number }
  >;
  const speakers = centroids(referenceUtterances());
  assert.equal(speakers.map(({ key }) => key).sort(), Object.keys(rows).sort());
  for (const { key, embedding, numUtterances } of speakers) {
    assert.is(numUtterances, rows[key].num_utterances);
    assert.ok(near(Array.from(embedding), Array.from(rows[key].embedding.data as Float32Array), 1e-6), key);
  }
});
means("are rounded once, after summing in float64", () => {
  const rows = madeUp([1, 1, 1]).map((row) => ({ ...row, speakerId: "s" }));
  [2 ** 24, 1, 1].forEach((x, i) => {
    rows[i].embedding.fill(x);
  });
  // Summed in float32, 2^24 + 1 + 1 would be 2^24.
  assert.is(centroids(rows)[0].embedding[0], Math.fround((2 ** 24 + 2) / 3));
});
means("of unit vectors do not depend on loudness", () => {
  const rows = madeUp([3]);
  const loud = rows.map((row, i) => ({ ...row, embedding: row.embedding.map((x) => x * (i + 1)) }));
  const normalized = (list: typeof rows) => Array.from(centroids(list, { normalize: true })[0].embedding);
  assert.ok(near(normalized(loud), normalized(rows), 1e-6));
  assert.not.ok(
    near(Array.from(centroids(loud)[0].embedding), Array.from(centroids(rows)[0].embedding), 1e-6),
  );
});
means("keep two speakers apart who share a key", () => {
  const rows = [...madeUp([2], { dataset: "my_set" }), ...madeUp([3], { dataset: "my", seed: 2 })];
  rows.forEach((row, i) => {
    row.speakerId = i < 2 ? "x" : "set_x";
  });
  assert.equal(
    centroids(rows).map(({ dataset, numUtterances }) => [dataset, numUtterances]),
    [
      ["my_set", 2],
      ["my", 3],
    ],
  );
});
means.run();

const typical = suite("typicalUtterances");
typical("are the nearest to the speaker's mean, nearest first", () => {
  const utterances = referenceUtterances();
  const three = typicalUtterances(utterances, { count: 3 });
  assert.is(three.length, 30);
  const [first] = centroids(utterances);
  const own = utterances.filter(({ speakerId }) => speakerId === first.speakerId);
  const cosines = own.map((row) => matrixOf([row, first]).data[1]);
  const best = own.map((_, i) => i).sort((a, b) => cosines[b] - cosines[a]);
  assert.equal(
    three.slice(0, 3).map(({ path }) => path),
    best.slice(0, 3).map((i) => own[i].path),
  );
  assert.ok(
    near(
      three.slice(0, 3).map(({ similarity }) => similarity),
      best.slice(0, 3).map((i) => cosines[i]),
      1e-6,
    ),
  );
  assert.not.ok("embedding" in three[0]);
});
typical("are all there are when fewer than asked for", () => {
  assert.is(typicalUtterances(madeUp([1, 5]), { count: 3 }).length, 4);
  assert.throws(() => typicalUtterances(madeUp([2]), { count: Number.NaN }), /count is NaN/);
});
typical.run();

const map = suite("map2d");
map("keeps speakers of the reference together", () => {
  const utterances = referenceUtterances();
  const { points, explained } = map2d(utterances);
  assert.ok(explained[0] > explained[1] && explained[1] > 0.05 && explained[0] + explained[1] < 1);
  assert.equal(
    points.map(({ path }) => path),
    utterances.map(({ path }) => path),
  );
  assert.not.ok("embedding" in points[0]);
  assert.equal(map2d(utterances), { points, explained });
});
map("takes none, one and two rows, and rows that are all alike", () => {
  assert.equal(map2d([]), { points: [], explained: [0, 0] });
  const [a] = madeUp([1]);
  assert.equal(
    map2d([a]).points.map(({ x, y }) => [Math.abs(x), Math.abs(y)]),
    [[0, 0]],
  );
  const two = map2d(madeUp([2]));
  assert.ok(near([...two.explained], [1, 0], 1e-9));
  assert.ok(near([two.points[0].x + two.points[1].x, two.points[0].y], [0, 0], 1e-9));
  const alike = map2d([a, a, a]);
  assert.ok(alike.points.every(({ x, y }) => Math.abs(x) < 1e-7 && Math.abs(y) < 1e-7));
});
if (python === null) {
  console.log("SKIPPED map2d against numpy: there is no Python with numpy");
} else {
  map("agrees with numpy's singular value decomposition", () => {
    for (const utterances of [
      referenceUtterances(),
      madeUp([20, 30, 40], { dimension: 12, noise: 1.5 }),
      madeUp([400], { dimension: 64, noise: 50 }),
    ]) {
      const [values, coordinates] = JSON.parse(
        runPython(
          `
import json, sys, numpy as np
with open(sys.argv[1]) as file: e = np.array(json.load(file))
e /= np.linalg.norm(e, axis=1, keepdims=True); e -= e.mean(0)
u, s, vt = np.linalg.svd(e, full_matrices=False)
vt = vt[:2] * np.sign([v[np.argmax(np.abs(v))] for v in vt[:2]])[:, None]
print(json.dumps([(s**2 / (s**2).sum()).tolist()[:2], (e @ vt.T).tolist()]))`,
          [write("map.json", numbers(utterances))],
        ),
      );
      const { points, explained } = map2d(utterances);
      assert.ok(near([...explained], values, 1e-6), `${explained} against ${values}`);
      assert.ok(
        near(
          points.map(({ x, y }) => [x, y]),
          coordinates,
          1e-4,
        ),
      );
    }
  });
}
map.run();

const order = suite("clusterOrder");
order("puts similar rows side by side, whatever order they come in", () => {
  const utterances = madeUp([6, 1, 9, 4], { noise: 0.3 });
  const next = random(4);
  const shuffled = utterances
    .map((row) => [next(), row] as const)
    .sort((a, b) => a[0] - b[0])
    .map(([, row]) => row);
  const matrix = matrixOf(shuffled);
  for (const rows of [clusterOrder(matrix), clusterOrder(matrixOf(referenceUtterances()))]) {
    assert.equal(
      Array.from(rows).sort((a, b) => a - b),
      Array.from(rows.keys()),
    );
  }
  const names = Array.from(clusterOrder(matrix), (i) => shuffled[i].speakerId);
  assert.is(names.filter((name, i) => name !== names[i - 1]).length, 4, names.join(" "));
});
order("turns branches so that their ends fit", () => {
  // On an arc of a circle the order is the angle.
  const angles = [0.9, 0, 0.32, 1.5, 0.1, 0.42, 1.02, 1.4];
  const rows = angles.map((angle) => ({ embedding: Float32Array.of(Math.cos(angle), Math.sin(angle)) }));
  const along = Array.from(clusterOrder(matrixOf(rows)), (i) => angles[i]);
  const sorted = [...angles].sort((a, b) => a - b);
  assert.equal(along[0] < along[7] ? along : along.reverse(), sorted);
});
order("goes along the first component above the limit", () => {
  const angles = Array.from({ length: 40 }, (_, i) => (((i * 17) % 40) / 40) * 1.2);
  const rows = angles.map((angle) => ({ embedding: Float32Array.of(Math.cos(angle), Math.sin(angle)) }));
  const along = Array.from(clusterOrder(matrixOf(rows), { maxClustered: 10 }), (i) => angles[i]);
  const sorted = [...angles].sort((a, b) => a - b);
  assert.equal(along[0] < along[39] ? along : along.reverse(), sorted);
});
order("takes matrices of any size and rows that are all alike", () => {
  const square = (n: number, value: number): Matrix => ({
    data: new Float32Array(n * n).fill(value),
    rows: n,
    columns: n,
  });
  for (const n of [0, 1, 2, 3, 50]) {
    assert.equal(
      Array.from(clusterOrder(square(n, 1))).sort((a, b) => a - b),
      [...Array(n).keys()],
    );
    assert.equal(
      Array.from(clusterOrder(square(n, 1), { maxClustered: 2 })).sort((a, b) => a - b),
      [...Array(n).keys()],
    );
  }
});
order("refuses what is not a square matrix of numbers", () => {
  assert.throws(
    () => clusterOrder({ data: new Float32Array(6), rows: 2, columns: 3 }),
    /needs a square matrix, not 2 x 3/,
  );
  assert.throws(
    () => clusterOrder({ data: new Float32Array(9).fill(Number.NaN), rows: 3, columns: 3 }),
    /NaN/,
  );
});
if (python === null) {
  console.log("SKIPPED clusterOrder against numpy: there is no Python with numpy");
} else {
  order("keeps every cluster of textbook average linkage in one piece", () => {
    const { data } = readNpy(readFileSync(join(origin, "similarity_matrix.npy")));
    const reference = { data: data as Float32Array, rows: 10, columns: 10 };
    const cases = [
      reference,
      matrixOf(referenceUtterances().slice(30, 70)),
      matrixOf(madeUp([15, 15], { noise: 2, seed: 9 })),
    ];
    cases.forEach((matrix, c) => {
      const path = write(`cluster-${c}.json`, [
        matrix.rows,
        Array.from(matrix.data),
        Array.from(clusterOrder(matrix)),
      ]);
      const text = runPython(
        `
import json, sys, numpy as np
with open(sys.argv[1]) as file: n, data, order = json.load(file)
m = np.array(data).reshape(n, n)
place = {row: k for k, row in enumerate(order)}
clusters = [[i] for i in range(n)]
pieces = 0
while len(clusters) > 1:
    mean, a, b = max((m[np.ix_(x, y)].mean(), i, j) for i, x in enumerate(clusters) for j, y in enumerate(clusters) if i < j)
    joined = clusters[a] + clusters[b]
    clusters = [x for k, x in enumerate(clusters) if k not in (a, b)] + [joined]
    places = [place[i] for i in joined]
    pieces += max(places) - min(places) + 1 == len(joined)
print(pieces, n - 1)`,
        [path],
      );
      const [whole, merges] = text.split(" ").map(Number);
      assert.is(whole, merges);
    });
  });
}
order.run();
