// The whole job on real speech, against what the original Python pipeline and 3D-Speaker's PyTorch code made of it.
import { cpSync, existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { readNpy } from "../../src/format/npy.js";
import { packageRoot } from "../../src/util/package-root.js";
import { speakerscope } from "../cli.js";
import { python, runPython } from "../python.js";
import { temporaryFolder } from "../tiny.js";

const fixtures = join(__dirname, "..", "fixtures");
const origin = join(fixtures, "origin");
const cwd = temporaryFolder();
// The reference knows test-other alone, by the path that it was given.
cpSync(join(packageRoot, "data", "speech", "test-other"), join(cwd, "data", "speech", "test-other"), {
  recursive: true,
});
const first = speakerscope(
  [
    "run",
    "--data_root",
    "data/speech",
    "--similarity_threshold",
    "0.25",
    "--num_ranks",
    "2",
    "--device",
    "cpu",
  ],
  { cwd },
);
const json = (name: string) => JSON.parse(readFileSync(join(cwd, "final_embeddings", name), "utf8"));
const reference = (name: string) => JSON.parse(readFileSync(join(origin, name), "utf8"));

test("the run ends well and says what it did", () => {
  assert.is(first.status, 0, first.stderr);
  for (const line of [
    "data set test-other: 10 speakers, 100 files",
    "Rank 0/2: Starting on device cpu",
    "Rank 0: Processing 50 files (indices 0-49)",
    "Rank 1: Processing 50 files (indices 50-99)",
    "Merged 100 utterances of 10 speakers",
  ])
    assert.ok(first.stdout.includes(line), `${line}\n${first.stdout}`);
  const log = readFileSync(join(cwd, "logs/extraction.log"), "utf8")
    .split("\n")
    .filter((line) => line.includes("Rank"));
  assert.ok(log.length >= 4);
});

test("every embedding has cosine 0.9999 and more to the PyTorch original", () => {
  const { paths } = JSON.parse(readFileSync(join(fixtures, "campplus", "paths.json"), "utf8")) as {
    paths: string[];
  };
  const expected = readNpy(readFileSync(join(fixtures, "campplus", "embeddings.npy"))).data as Float32Array;
  const answer = runPython(
    `
import pickle, json, numpy as np
u = pickle.load(open('final_embeddings/utterance_embeddings.pkl', 'rb'))
print(json.dumps({v['path']: v['embedding'].tolist() for v in u.values()}))
`,
    [],
    { cwd },
  );
  const embeddings = JSON.parse(answer) as Record<string, number[]>;
  let worst = 1;
  paths.forEach((path, row) => {
    const ours = embeddings[`data/speech/${path}`]!;
    const theirs = expected.subarray(row * 192, (row + 1) * 192);
    worst = Math.min(worst, cosine(ours, theirs));
  });
  assert.ok(worst >= 0.9999, `worst cosine ${worst}`);
});

test("statistics and pairs are those of the original within 5e-4", () => {
  const { statistics } = json("speaker_similarity.json");
  const wanted = reference("speaker_similarity.json").statistics;
  assert.equal(Object.keys(statistics), Object.keys(wanted));
  for (const key of Object.keys(wanted))
    assert.ok(Math.abs(statistics[key] - wanted[key]) <= 5e-4, `${key} ${statistics[key]}`);
  const names = (pairs: { speaker1: string; speaker2: string }[]) =>
    pairs.map(({ speaker1, speaker2 }) => [speaker1, speaker2].sort().join(" ")).sort();
  assert.equal(names(json("high_similarity_pairs.json")), names(reference("high_similarity_pairs.json")));
  assert.is(json("high_similarity_pairs.json").length, 5);
});

test("the JSON files have the keys, order and types of the original", () => {
  for (const name of [
    "speaker_similarity.json",
    "summary.json",
    "utterance_list.json",
    "high_similarity_pairs.json",
    "speaker_keys_mapping.json",
  ])
    assert.equal(shapeOf(json(name), reference(name)), shapeOf(reference(name), reference(name)), name);
  assert.equal(Object.keys(json("speaker_similarity.json")).slice(4), [
    "similarity_matrix_file",
    "histogram",
  ]);
  const similarities = json("high_similarity_pairs.json").map(
    ({ similarity }: { similarity: number }) => similarity,
  );
  assert.equal(
    similarities,
    [...similarities].sort((a, b) => b - a),
  );
});

test("the pickles and arrays have the types of the original, on numpy 1.26 and 2, without a warning", () => {
  if (python === null) return console.log("SKIPPED types in Python: no Python with numpy");
  const old = join(packageRoot, ".venv", "numpy-1.26");
  if (!existsSync(old)) console.log("SKIPPED numpy 1.26: not for this Python");
  for (const path of existsSync(old) ? ["", old] : [""]) {
    const answer = runPython(
      `
import pickle, json, sys, glob, numpy as np
origin = sys.argv[1]
def shape(v):
    if isinstance(v, dict): return [(k, shape(w)) for k, w in v.items()]
    if isinstance(v, np.ndarray): return f'{v.dtype} {v.shape} {v.flags.writeable} {v.flags.c_contiguous}'
    return type(v).__name__
def load(p): return pickle.load(open(p, 'rb'))
f = 'final_embeddings/'
ours = [load(f + 'speaker_embeddings.pkl'), load(f + 'utterance_embeddings.pkl')]
print(np.__version__, len(ours[0]), len(ours[1]))
expected_utterance = ['embedding', 'dataset', 'speaker_id', 'utterance_id', 'path']
assert all(list(v) == expected_utterance for v in ours[1].values())
assert all(list(v) == ['embedding', 'dataset', 'speaker_id', 'num_utterances'] for v in ours[0].values())
i = f + 'embeddings_individual/'
u = load(i + 'utterances/test-other/533/533-1066-0009.pkl'); s = load(i + 'speakers/test-other/533.pkl')
assert shape(u) == [('embedding', 'float32 (192,) True True'), ('info', [('path', 'str'), ('dataset', 'str'), ('speaker_id', 'str'), ('utterance_id', 'str')])], shape(u)
assert shape(s) == [('embedding', 'float32 (192,) True True'), ('info', [('dataset', 'str'), ('speaker_id', 'str'), ('num_utterances', 'int')])], shape(s)
assert (s['embedding'] == ours[0]['test-other_533']['embedding']).all()
m = np.load(f + 'similarity_matrix.npy'); r = np.load(origin + '/similarity_matrix.npy')
assert m.dtype == r.dtype and m.shape == r.shape
index = json.load(open(f + 'embeddings_individual/file_index.json'))
assert index['utterances']['test-other_533_533-1066-0009'] == i + 'utterances/test-other/533/533-1066-0009.pkl'
assert len(index['utterances']) == 100 and len(index['speakers']) == 10
`,
      [origin],
      { cwd, env: path === "" ? process.env : { ...process.env, PYTHONPATH: path } },
    );
    assert.match(answer, path === "" ? /^2\.\S+ 10 100/ : /^1\.26\.4 10 100/);
  }
});

test("every file of the contract is there, pictures too", () => {
  const names = readdirSync(join(cwd, "final_embeddings")).sort();
  assert.equal(names, [
    "audit",
    "embeddings_individual",
    "failed.jsonl",
    "high_similarity_pairs.json",
    "provenance.json",
    "similarity_analysis.csv",
    "similarity_analysis.png",
    "similarity_heatmap.png",
    "similarity_matrix.npy",
    "speaker_embeddings.pkl",
    "speaker_keys_mapping.json",
    "speaker_list.json",
    "speaker_similarity.json",
    "summary.json",
    "utterance_embeddings.pkl",
    "utterance_list.json",
    "utterances.jsonl",
    "warnings.jsonl",
  ]);
  const rank = readdirSync(join(cwd, "embeddings_output/rank_00")).sort();
  assert.equal(rank, [
    "embeddings.log",
    "failed.jsonl",
    "metadata.json",
    "speaker_embeddings.pkl",
    "utterance_embeddings.pkl",
    "warnings.jsonl",
  ]);
  for (const name of ["similarity_analysis.png", "similarity_heatmap.png"])
    assert.is(
      readFileSync(join(cwd, "final_embeddings", name))
        .subarray(1, 4)
        .toString(),
      "PNG",
    );
});

test("the analysis table is the original's", () => {
  const ours = readFileSync(join(cwd, "final_embeddings/similarity_analysis.csv"), "utf8")
    .trim()
    .split(/\r?\n/);
  const theirs = readFileSync(join(origin, "similarity_analysis.csv"), "utf8").trim().split(/\r?\n/);
  assert.is(ours[0], theirs[0]);
  assert.is(ours.length, theirs.length);
  const pair = (line: string) =>
    [line.split(",").slice(0, 2).sort(), ...line.split(",").slice(3).sort()].join();
  assert.equal(ours.slice(1).map(pair), theirs.slice(1).map(pair));
});

test("stages 2 and 3 alone, and a second run, give the same bytes", () => {
  const before = filesOf(join(cwd, "final_embeddings"));
  rmSync(join(cwd, "final_embeddings"), { recursive: true });
  const later = speakerscope(["run", "--stage", "2", "--stop_stage", "3", "--similarity_threshold", "0.25"], {
    cwd,
  });
  assert.is(later.status, 0, later.stderr);
  assert.equal(filesOf(join(cwd, "final_embeddings")), before);
  const again = speakerscope(
    [
      "run",
      "--data_root",
      "data/speech",
      "--similarity_threshold",
      "0.25",
      "--device",
      "cpu",
      "--audit",
      "false",
    ],
    { cwd },
  );
  assert.match(again.stdout, /100 of 100 files were done before/);
  assert.equal(filesOf(join(cwd, "final_embeddings")), before);
});

test("ranks can compute the similarity of their own speakers", () => {
  for (const path of ["533/533-1066-0000.flac", "533/533-1066-0001.flac", "367/367-130732-0000.flac"])
    cpSync(join(packageRoot, "data/speech/test-other", path), join(cwd, "few/test-other", path));
  const { status, stderr } = speakerscope(
    [
      "extract",
      "--data_root",
      "few",
      "--compute_similarity",
      "--device",
      "cpu",
      "--output_dir",
      "own",
      "--num_ranks",
      "1",
    ],
    { cwd },
  );
  assert.is(status, 0, stderr);
  const folder = join(cwd, "own/rank_00");
  const metadata = JSON.parse(readFileSync(join(folder, "metadata.json"), "utf8"));
  assert.is(metadata.similarity_computed, true);
  assert.equal(Object.keys(metadata).slice(0, 9), [
    "rank",
    "world_size",
    "device",
    "num_utterances",
    "num_speakers",
    "utterance_keys",
    "speaker_keys",
    "similarity_computed",
    "individual_files_saved",
  ]);
  assert.ok(existsSync(join(folder, "speaker_similarity.json")));
});

/** Key order and types, with a list shown by its first item; keys beyond the reference's are left out. */
function shapeOf(value: unknown, like: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? [] : [shapeOf(value[0], (like as unknown[])[0])];
  if (typeof value !== "object" || value === null) return typeof value;
  const keys = Object.keys(like as object);
  return Object.entries(value)
    .filter(([key]) => keys.includes(key))
    .map(([key, item]) => [key, shapeOf(item, (like as Record<string, unknown>)[key])]);
}

function filesOf(folder: string): Record<string, string> {
  return Object.fromEntries(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
      .map((path) => [path, readFileSync(path).toString("base64")]),
  );
}

function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [dot, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    dot += a[i]! * b[i]!;
    aa += a[i]! ** 2;
    bb += b[i]! ** 2;
  }
  return dot / Math.sqrt(aa * bb);
}

test.run();
