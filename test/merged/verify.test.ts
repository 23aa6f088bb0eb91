import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { extract, merge } from "speakerscope";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { writeSimilarity } from "../../src/comparison/write-similarity.js";
import { writeNpy } from "../../src/format/npy.js";
import { readPickle } from "../../src/format/read-pickle.js";
import { writePickle } from "../../src/format/write-pickle.js";
import { verify } from "../../src/merged/verify.js";
import { similarity } from "../../src/similarity/similarity.js";
import { readEmbeddings } from "../../src/store/read-embeddings.js";
import { put, temporaryFolder, tinyCorpus, tinyModel } from "../tiny.js";

/** An extraction on two ranks and what was merged from it, made once; each test changes a copy. */
const made = (async () => {
  const folder = temporaryFolder();
  const names = Array.from({ length: 10 }, (_, i) => [`${i < 6 ? "a_b" : "c"}/s${i % 3}/u ${i}.wav`, i]);
  const corpus = tinyCorpus(join(folder, "corpus"), Object.fromEntries(names));
  put(join(corpus, "c", "s1", "broken.wav"), "no audio");
  const outputDir = join(folder, "ranks");
  await extract(corpus, {
    outputDir,
    modelPath: tinyModel(folder),
    device: "cpu",
    numRanks: 2,
    saveIndividual: true,
  });
  await merge(outputDir, { outputDir: join(folder, "final") });
  return folder;
})();

const copies = temporaryFolder();
let copy = 0;

/** What verifying finds after a change. */
async function problemsAfter(what: "ranks" | "final", change: (folder: string) => void): Promise<string> {
  const folder = join(copies, String(copy++), what);
  cpSync(join(await made, what), folder, { recursive: true });
  change(folder);
  return (await verify(folder)).problems.join("\n");
}

/** Changes one byte, counted from the end when negative. */
function flip(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes[at < 0 ? bytes.length + at : at]! ^= 0x40;
  writeFileSync(path, bytes);
}

const edit = (path: string, change: (text: string) => string) =>
  writeFileSync(path, change(readFileSync(path, "utf8")));
const log = "rank_00/embeddings.log";
const individual = "embeddings_individual/utterances/a_b/s0/u 0.pkl";

test("what extract and merge wrote is found whole, and each thing is looked at", async () => {
  const folder = await made;
  const extraction = await verify(join(folder, "ranks"));
  assert.equal(extraction, {
    kind: "extraction",
    checked: { records: 11, "individual files": 16 },
    problems: [],
  });
  const merged = await verify(join(folder, "final"));
  assert.equal(merged.problems, []);
  assert.equal(merged.checked, { utterances: 10, speakers: 6, "individual files": 16 });
});

test("merged files are whole wherever they are moved, with raw and with unit means, and without individual files", async () => {
  assert.is(await problemsAfter("final", () => {}), "");
  const folder = await made;
  for (const [name, options] of Object.entries({
    unit: { normalize: true },
    few: { mergeIndividual: false },
  })) {
    await merge(join(folder, "ranks"), { outputDir: join(folder, name), ...options });
    assert.equal((await verify(join(folder, name))).problems, [], name);
  }
});

test("a flipped bit in any part of a record is found", async () => {
  const { length } = readFileSync(join(await made, "ranks", log));
  for (const at of [0, 5, 13, 40, Math.floor(length / 2), -1])
    assert.match(
      await problemsAfter("ranks", (folder) => flip(join(folder, log), at)),
      /embeddings\.log: \d+ bytes are torn or damaged/,
      `${at}`,
    );
});

test("rank pickles that do not say what the log says are found", async () => {
  const changed = await problemsAfter("ranks", (folder) => {
    const path = join(folder, "rank_00", "utterance_embeddings.pkl");
    const dict = readPickle(readFileSync(path)) as unknown as Record<
      string,
      { embedding: { data: Float32Array } }
    >;
    const [first, second] = Object.values(dict);
    first!.embedding.data[0] = 7;
    assert.ok(second);
    const [, gone] = Object.keys(dict);
    delete dict[gone!];
    writeFileSync(path, writePickle(dict));
  });
  assert.match(changed, /differs between the log and utterance_embeddings\.pkl/);
  assert.match(changed, /is in the log and not in utterance_embeddings\.pkl/);
  assert.match(changed, /utterances in metadata\.json: got \d, expected \d/);
});

test("individual files that are gone, broken, swapped or strange are found, in both kinds of folder", async () => {
  for (const kind of ["ranks", "final"] as const) {
    assert.match(
      await problemsAfter(kind, (folder) => rmSync(join(folder, individual))),
      /a_b_s0_u 0: .*(no individual file|missing)/,
    );
    assert.match(await problemsAfter(kind, (folder) => flip(join(folder, individual), 0)), /a_b_s0_u 0/);
    const swapped = await problemsAfter(kind, (folder) => {
      renameSync(join(folder, individual), join(folder, "x"));
      cpSync(join(folder, individual.replace("u 0", "u 3")), join(folder, individual));
    });
    assert.match(swapped, /holds another embedding[\s\S]*names another utterance/);
  }
  const strange = await problemsAfter("final", (folder) =>
    put(join(folder, "embeddings_individual", "utterances", "old.pkl"), "x"),
  );
  assert.match(
    strange,
    /embeddings_individual: files that merging did not write, 1, such as utterances\/old\.pkl;.*move them out/,
  );
});

test("lists, summary and index that say something else are found", async () => {
  const changes: [string, (text: string) => string, RegExp][] = [
    [
      "summary.json",
      (text) => text.replace('"total_utterances": 10', '"total_utterances": 11'),
      /total_utterances: got 11, expected 10/,
    ],
    [
      "summary.json",
      (text) => text.replace('"failed_utterances": 1', '"failed_utterances": 0'),
      /failed\.jsonl: rows/,
    ],
    ["utterance_list.json", (text) => text.replace("c_s0_u 6", "c_s0_u 7"), /utterance_list\.json: differs/],
    ["speaker_list.json", () => "[]", /speaker_list\.json: rows: got 0, expected 6/],
    ["speaker_list.json", () => "[", /speaker_list\.json: /],
    [
      "embeddings_individual/file_index.json",
      (text) => text.replace("utterances/a_b/s0/u 0.pkl", "../../u 0.pkl"),
      /file_index\.json: utterances a_b_s0_u 0/,
    ],
    ["embeddings_individual/file_index.json", () => "{}", /file_index\.json: utterances: got 0, expected 10/],
  ];
  for (const [name, change, pattern] of changes)
    assert.match(await problemsAfter("final", (folder) => edit(join(folder, name), change)), pattern, name);
});

test("a speaker that is not the mean of its utterances is found", async () => {
  const problems = await problemsAfter("final", (folder) => {
    const path = join(folder, "speaker_embeddings.pkl");
    const dict = readPickle(readFileSync(path)) as unknown as Record<
      string,
      { embedding: { data: Float32Array } }
    >;
    dict.a_b_s0!.embedding.data[0]! += 1e-3;
    writeFileSync(path, writePickle(dict));
  });
  assert.match(problems, /a_b_s0: its embedding is not the mean of its utterances/);
});

test("names that lead out of the folder are told of and never followed", async () => {
  const hostile = await problemsAfter("ranks", (folder) => {
    put(join(folder, "..", "evil.pkl"), "never read");
    edit(join(folder, "corpus.jsonl"), (text) =>
      text
        .replace('"file":"a_b/s0/u 0.wav"', '"file":"../../../etc/passwd"')
        .replace('"utteranceId":"u 3"', '"utteranceId":"../../../../../evil"'),
    );
  });
  assert.match(hostile, /passwd: The name .* leads out of/);
  assert.match(hostile, /u 3\.wav: The name .* leads out of/);
  const merged = await problemsAfter("final", (folder) => {
    const path = join(folder, "utterance_embeddings.pkl");
    const dict = readPickle(readFileSync(path)) as Record<string, { utterance_id: string }>;
    dict["a_b_s0_u 0"]!.utterance_id = "../../../../evil";
    writeFileSync(path, writePickle(dict));
  });
  assert.match(
    merged,
    /a_b_s0_u 0: The name "utterances\/a_b\/s0\/\.\.\/\.\.\/\.\.\/\.\.\/evil\.pkl" leads out of/,
  );
});

test("what was stopped is not told as a problem of the folder", async () => {
  const abortSignal = AbortSignal.abort("SIGINT");
  for (const what of ["ranks", "final"])
    await verify(join(await made, what), { abortSignal }).then(
      () => assert.unreachable(),
      (error: Error) => assert.is(error.message, "Verifying was stopped on request."),
    );
});

test("a folder that holds neither is an error", async () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, "rank_00"));
  const error = await verify(folder).then(
    () => undefined,
    (e: Error) => e,
  );
  assert.match(error?.message ?? "", /holds no embeddings/);
  assert.ok(existsSync(folder));
});

test("a comparison is found whole, and so is its matrix, its list of keys, and what says how all was made", async () => {
  const folder = join(copies, "compared");
  cpSync(join(await made, "final"), folder, { recursive: true });
  const speakers = await readEmbeddings(folder);
  await writeSimilarity(folder, speakers, await similarity(speakers, { matrix: true, backend: "onnx" }));
  const changed = (name: string, change: (bytes: Buffer) => Uint8Array) => {
    const path = join(folder, name);
    const bytes = readFileSync(path);
    writeFileSync(path, change(Buffer.from(bytes)));
    return verify(folder)
      .then(({ problems }) => problems.join("\n"))
      .finally(() => writeFileSync(path, bytes));
  };
  const wrongNumber = (value: number) => (bytes: Buffer) => {
    bytes.writeFloatLE(value, bytes.length - 4);
    return bytes;
  };
  assert.is(await changed("similarity_matrix.npy", (bytes) => bytes), "");
  assert.match(await changed("similarity_matrix.npy", (bytes) => bytes.subarray(0, -9)), /is cut off/);
  assert.match(
    await changed("similarity_matrix.npy", wrongNumber(Number.NaN)),
    /similarity_matrix\.npy has NaN in row 5/,
  );
  assert.match(
    await changed("similarity_matrix.npy", wrongNumber(0.5)),
    /similarity_matrix\.npy has 0\.5000 in row 5, column 5, the embeddings 1\.0000/,
  );
  assert.match(
    await changed("similarity_matrix.npy", () =>
      Buffer.from(writeNpy(new Float32Array(25), { shape: [5, 5] })),
    ),
    /similarity_matrix\.npy is no matrix of 6 x 6/,
  );
  assert.match(
    await changed("speaker_keys_mapping.json", (bytes) =>
      Buffer.from(bytes.toString().replace("c_s0", "c_s1")),
    ),
    /speaker_keys_mapping\.json does not name the 6 speakers in their order/,
  );
  assert.match(await changed("provenance.json", (bytes) => bytes.subarray(0, -5)), /provenance\.json/);
});

test.run();
