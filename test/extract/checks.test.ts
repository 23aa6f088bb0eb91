import { existsSync, readFileSync, statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { checkAudio, extract, merge, readChecks, type ScopeError, scan, verify } from "speakerscope";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { openFrontEnd } from "../../src/embed/front-end.js";
import { openModel } from "../../src/embed/open-model.js";
import { prepare } from "../../src/extract/prepare.js";
import { put, temporaryFolder, tinyModel, voice, wav } from "../tiny.js";

const folder = temporaryFolder();
const modelPath = tinyModel(folder);
const corpus = join(folder, "corpus");
for (const [name, seed] of Object.entries({ "d/s1/a": 1, "d/s1/b": 2, "d/s2/a": 3, "d/s2/b": 4 }))
  put(join(corpus, `${name}.wav`), wav([voice(seed)]));
put(join(corpus, "d/s2/silent.wav"), wav([new Float32Array(16_000)]));
put(join(corpus, "d/s2/broken.wav"), "no audio");

async function run(name: string, options: Parameters<typeof extract>[1] = {}) {
  const outputDir = join(folder, name);
  await extract(corpus, { outputDir, modelPath, device: "cpu", numRanks: 1, checks: true, ...options });
  const merged = join(folder, `${name}-merged`);
  await merge(outputDir, { outputDir: merged, mergeIndividual: false });
  const bytes = (file: string) => readFileSync(join(merged, file));
  return { outputDir, merged, bytes };
}
const whole = run("whole");

/** What a promise fails with. */
const refusal = (work: Promise<unknown>): Promise<ScopeError> =>
  work.then(
    () => assert.unreachable() as never,
    (error) => error,
  );

test("extract with checks stores what checkAudio measures, and why there is nothing to measure", async () => {
  const stored = await readChecks((await whole).merged);
  const { checks, failures } = await checkAudio((await scan(corpus)).utterances);
  assert.equal(stored, checks);
  assert.equal(
    failures.map(({ path, stage }) => [path, stage]),
    [[join(corpus, "d/s2/broken.wav"), "decode"]],
  );
  assert.is(stored.length, 5);
  const silent = stored.find(({ key }) => key === "d_s2_silent")!;
  assert.match("failure" in silent ? silent.failure : "", /digital silence/);
  assert.ok(stored.every((row) => "failure" in row || (row.sketch.length > 0 && row.seconds === 1.5)));
  assert.equal((await verify((await whole).merged)).problems, []);
  assert.equal((await verify((await whole).outputDir)).problems, []);
});

test("checks leave the embeddings as they are", async () => {
  const without = await run("without", { checks: false });
  for (const file of ["utterance_embeddings.pkl", "speaker_embeddings.pkl"])
    assert.ok(without.bytes(file).equals((await whole).bytes(file)), file);
  assert.not(existsSync(join(without.merged, "checks.jsonl")));
  assert.match((await refusal(readChecks(without.merged))).message, /extracted without --checks/);
});

test("checks are the same bytes for two ranks, with threads, and after a record was torn", async () => {
  const { bytes } = await whole;
  for (const [name, options] of Object.entries({ ranks: { numRanks: 2 }, threads: { decodeThreads: 2 } }))
    assert.ok((await run(name, options)).bytes("checks.jsonl").equals(bytes("checks.jsonl")), name);
  const { outputDir } = await run("torn");
  const log = join(outputDir, "rank_00", "embeddings.log");
  truncateSync(log, statSync(log).size - 700);
  assert.ok((await run("torn")).bytes("checks.jsonl").equals(bytes("checks.jsonl")));
});

test("checks of a long file are of all its pieces, and with vad of all its audio", async () => {
  const model = await openModel({ modelPath, device: "cpu" });
  const bytes = wav([voice(1, { seconds: 6 })]);
  const seconds: number[][] = [];
  for (const vad of [false, true]) {
    const frontEnd = { ...openFrontEnd(model.frontEnd), maxSeconds: 3 };
    const pieces = [];
    for await (const piece of prepare(bytes, frontEnd, "mean", { checks: true, vad })) pieces.push(piece);
    assert.ok(pieces.slice(0, -1).every(({ checks }) => checks === undefined));
    seconds.push([pieces.length, pieces.at(-1)!.checks!.seconds]);
  }
  await model.close();
  assert.ok(seconds[0]![0]! > 1);
  assert.equal(
    seconds.map(([, of]) => of),
    [6, 6],
  );
});

test("a folder without checks takes none, and merging it again removes those of before", async () => {
  const { outputDir } = await run("mixed", { checks: false });
  const { message } = await refusal(
    extract(corpus, { outputDir, modelPath, device: "cpu", numRanks: 1, checks: true }),
  );
  assert.match(message, /made another way: checks was .*Take another --output_dir/);
  const merged = join(folder, "twice");
  await merge((await whole).outputDir, { outputDir: merged, mergeIndividual: false });
  assert.ok(existsSync(join(merged, "checks.jsonl")));
  await merge(outputDir, { outputDir: merged, mergeIndividual: false });
  assert.not(existsSync(join(merged, "checks.jsonl")));
});

test("checkAudio says where no file can be read, and stops when told to", async () => {
  const { utterances } = await scan(corpus);
  const gone = utterances.map((utterance) => ({ ...utterance, path: `${utterance.path}.gone` }));
  const nothing = await refusal(checkAudio(gone));
  assert.is(nothing.tag, "missing");
  assert.match(nothing.message, /None of the 6 files could be read/);
  const controller = new AbortController();
  const onProgress = () => controller.abort();
  const stopped = await refusal(checkAudio(utterances, { onProgress, abortSignal: controller.signal }));
  assert.is(stopped.tag, "interrupted");
});

test.run();
