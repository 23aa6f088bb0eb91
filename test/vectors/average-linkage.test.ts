import { test } from "uvu";
import * as assert from "uvu/assert";
import { averageLinkage } from "../../src/vectors/average-linkage.js";
import { random } from "../../src/vectors/random.js";

/** The definition: the two groups with the highest mean over all pairs, again and again. */
function byDefinition(similarities: Float64Array, n: number, threshold: number): number[] {
  let groups = Array.from({ length: n }, (_, i) => [i]);
  for (;;) {
    let best: { mean: number; a: number[]; b: number[] } | undefined;
    for (const a of groups)
      for (const b of groups) {
        if (a[0]! >= b[0]!) continue;
        const pairs = a.flatMap((i) => b.map((j) => similarities[i * n + j]!));
        const mean = pairs.reduce((sum, value) => sum + value, 0) / pairs.length;
        if (mean > (best?.mean ?? -Infinity)) best = { mean, a, b };
      }
    if (best === undefined || best.mean < threshold) break;
    const { a, b } = best;
    groups = groups.filter((group) => group !== a && group !== b);
    groups.push([...a, ...b].sort((x, y) => x - y));
  }
  groups.sort((a, b) => a[0]! - b[0]!);
  return Array.from({ length: n }, (_, i) => groups.findIndex((group) => group.includes(i)));
}

test("groups are those of the definition, on random similarities and any threshold", () => {
  for (let seed = 0; seed < 30; seed++) {
    const next = random(seed);
    const n = 1 + Math.floor(next() * 20);
    const similarities = new Float64Array(n * n);
    for (let i = 0; i < n; i++)
      for (let j = 0; j <= i; j++) similarities[i * n + j] = similarities[j * n + i] = 2 * next() - 1;
    for (const threshold of [-1, -0.2, 0, 0.3, 1.1])
      assert.equal(
        [...averageLinkage(similarities.slice(), n, threshold)],
        byDefinition(similarities, n, threshold),
        `seed ${seed}, threshold ${threshold}`,
      );
  }
});

test("no rows have no groups", () => {
  assert.equal([...averageLinkage(new Float64Array(0), 0, 0)], []);
});

test.run();
