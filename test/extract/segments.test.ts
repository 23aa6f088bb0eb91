import { copyFileSync, cpSync, readdirSync, readFileSync, rmSync, statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import {
  type ExtractOptions,
  type ExtractResult,
  extract,
  loadUtterance,
  merge,
  type Progress,
  readEmbeddings,
  readManifest,
  scan,
  verify,
} from "speakerscope";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { embed } from "../../src/embed/embed.js";
import { openModel } from "../../src/embed/open-model.js";
import { readJsonLines } from "../../src/util/json-lines.js";
import { packageRoot } from "../../src/util/package-root.js";
import { speakerscope, startSpeakerscope } from "../cli.js";
import { contentsOf, put, temporaryFolder, tinyModel, wav } from "../tiny.js";

process.chdir(packageRoot);
const fixtures = join(packageRoot, "test", "fixtures");
const long = join(fixtures, "manifests", "long.flac");
const folder = temporaryFolder();
const modelPath = tinyModel(folder);

const corpus = join(folder, "corpus");
put(
  join(corpus, "d/s/none.wav"),
  wav([Float32Array.from({ length: 48_000 }, (_, i) => Math.sin(i * i) * 0.01)]),
);
for (const [name, file] of [
  ["d/s/a.flac", long],
  ["d/t/b.flac", join(fixtures, "vad", "quiet.flac")],
  ["d/t/c.flac", join(fixtures, "vad", "noisy.flac")],
]) {
  put(join(corpus, name!), "");
  copyFileSync(file!, join(corpus, name!));
}

const run = (outputDir: string, options: ExtractOptions = {}): Promise<ExtractResult> =>
  extract(corpus, { outputDir, modelPath, device: "cpu", numRanks: 1, segments: 3, ...options });

/** The merged files of an extraction. */
async function merged(inputDir: string): Promise<Record<string, string>> {
  const outputDir = join(folder, "final");
  rmSync(outputDir, { recursive: true, force: true });
  await merge(inputDir, { outputDir });
  return contentsOf(outputDir);
}

const plain = join(folder, "plain");
const ready = run(plain).then(async (result) => ({ result, files: await merged(plain) }));

interface Row {
  key: string;
  path: string;
  source: string;
  span: { start: number; end: number };
  session: string;
  seconds: number;
}

const rowsOf = async (files: Record<string, string>): Promise<Row[]> => {
  const rows: Row[] = [];
  const path = put(join(temporaryFolder(), "rows.jsonl"), Buffer.from(files["utterances.jsonl"]!, "base64"));
  for await (const row of readJsonLines<Row>(path)) rows.push(row);
  return rows;
};

test("segments of speech are utterances with a span, whose session is the recording", async () => {
  const { result, files } = await ready;
  const rows = await rowsOf(files);
  assert.ok(rows.length >= 6 && result.embedded === rows.length, `${rows.length}`);
  for (const { key, source, span, session, seconds } of rows) {
    assert.ok(span.end - span.start >= 1.499 && span.end - span.start <= 6, JSON.stringify(span));
    assert.ok(Math.abs(seconds - (span.end - span.start)) < 1e-3);
    assert.match(session, /^d\/[st]\/[abc]\.flac$/);
    assert.ok(source.startsWith(`${session}#0`));
    assert.is(key, `d_${session[2]}_${session[4]}-${span.start}-${span.end}`);
  }
  assert.equal(
    result.failures.map(({ utteranceId, stage, reason }) => [utteranceId, stage, reason]),
    [["none", "signal", "no speech in 3 s"]],
  );
  const { problems } = await verify(join(folder, "final"));
  assert.equal(problems, []);
});

test("a segment has the embedding of that span of the recording", async () => {
  const { files } = await ready;
  const rows = await rowsOf(files);
  const stored = await readEmbeddings(join(plain, "rank_00"), { level: "utterance" });
  const model = await openModel({ modelPath });
  for (const { key, path, span } of rows.slice(0, 3)) {
    const { samples, sampleRate } = await loadUtterance({ path, span });
    const [expected] = await embed([{ samples, sampleRate }], model);
    assert.equal(stored.find((row) => row.key === key)!.embedding, expected, key);
  }
  await model.close();
});

test("a second run looks at nothing and embeds nothing", async () => {
  const { result } = await ready;
  const log = join(plain, "segments.log");
  const before = readFileSync(log);
  const lines: string[] = [];
  const again = await run(plain, { numRanks: 2, onLog: (line) => lines.push(line) });
  assert.is(again.resumed, result.embedded);
  assert.equal(readFileSync(log), before);
  assert.not.match(lines.join("\n"), /Looking for speech/);
});

test("ranks, shards and what a kill leaves give the same bytes", async () => {
  const { files } = await ready;
  const three = join(folder, "three");
  await run(three, { numRanks: 3 });
  assert.equal(await merged(three), files);
  const shards = join(folder, "shards");
  for (const index of [0, 1]) await run(shards, { shard: { index, count: 2 } });
  assert.ok(readdirSync(shards).length === 2);
  assert.equal(await merged(shards), files);
  // A log that ends in the middle of a record, and embeddings that are not there yet.
  const torn = join(folder, "torn");
  cpSync(plain, torn, { recursive: true });
  truncateSync(join(torn, "segments.log"), statSync(join(torn, "segments.log")).size - 20);
  rmSync(join(torn, "corpus.jsonl"));
  truncateSync(join(torn, "rank_00", "embeddings.log"), 900);
  await run(torn);
  assert.equal(await merged(torn), files);
});

test("stopped while it looks for speech, it says where it goes on, and does so", async () => {
  const { files } = await ready;
  const output = join(folder, "stopped");
  const controller = new AbortController();
  const stopAtFirst = (progress: Progress) => {
    if (progress.stage === "segments" && progress.done > 0) controller.abort();
  };
  const error = await run(output, { abortSignal: controller.signal, onProgress: stopAtFirst }).then(
    () => undefined,
    (reason: unknown) => reason as Error,
  );
  assert.is(
    error?.message,
    `The search for speech was stopped on request. What was found is kept in ${output}. Run the same command again to go on.`,
  );
  assert.equal(readdirSync(output), ["segments.log"]);
  await run(output);
  assert.equal(await merged(output), files);
});

test("killed with -9 while it looks for speech, the same command ends in the same bytes", async () => {
  const { files } = await ready;
  const output = join(folder, "killed");
  const args = ["extract", "--data_root", corpus, "--output_dir", output, "--segments", "3"];
  const model = ["--model_path", modelPath, "--device", "cpu", "--num_ranks", "2"];
  const first = startSpeakerscope([...args, ...model], { cwd: folder });
  const log = join(output, "segments.log");
  while (first.exitCode === null && (statSync(log, { throwIfNoEntry: false })?.size ?? 0) < 100)
    await new Promise((resolve) => setTimeout(resolve, 5));
  first.kill("SIGKILL");
  await first.ended;
  const second = speakerscope([...args, ...model], { cwd: folder });
  assert.is(second.status, 0, second.stderr);
  assert.match(second.stdout, /segments, \d+ s in all, of 4 recordings with \d+ s of speech/);
  assert.equal(await merged(output), files);
});

test("rows of a manifest that are spans are cut within themselves", async () => {
  const list = await readManifest(join(fixtures, "manifests", "kaldi-segments"));
  const outputDir = join(folder, "spans");
  const { embedded } = await extract(list, { outputDir, modelPath, device: "cpu", numRanks: 1, segments: 3 });
  const rows = await rowsOf(await merged(outputDir));
  assert.is(rows.length, embedded);
  assert.ok(rows.length >= 3);
  for (const { key, span, session } of rows) {
    const whole = list.utterances.find((one) => key.startsWith(`${one.key}-`))!;
    assert.ok(span.start >= whole.span!.start && span.end <= whole.span!.end! + 1e-3, key);
    assert.is(session, whole.session);
  }
});

test("another length of segments, or none, does not mix into the folder, and is told before anything is looked at", async () => {
  await ready;
  const before = readFileSync(join(plain, "segments.log"));
  for (const [segments, text] of [
    [4, /segments\.seconds was 3 and is now 4/],
    [undefined, /segments was .* and is now undefined/],
  ] as const) {
    try {
      await run(plain, { segments } as ExtractOptions);
      assert.unreachable();
    } catch (error) {
      assert.match((error as Error).message, text);
    }
  }
  assert.equal(readFileSync(join(plain, "segments.log")), before);
});

test("members of archives cannot be cut, and that is said", async () => {
  const list = await readManifest(join(fixtures, "manifests", "podcast-{000000..000001}.tar"));
  const result = extract(list, { outputDir: join(folder, "tar"), modelPath, device: "cpu", segments: 3 });
  const text = await result.then(String, (error: Error) => error.message);
  assert.match(text, /lies within .*podcast-000000\.tar.*Unpack it, or leave --segments out/);
});

test("a file that is no audio, one that is gone and one whose speech is too short are failures", async () => {
  const root = join(folder, "bad");
  put(join(root, "d/s/text.wav"), "no audio at all");
  put(join(root, "d/s/gone.flac"), "");
  copyFileSync(long, join(root, "d/s/gone.flac"));
  const { samples } = await loadUtterance({ path: long });
  put(join(root, "d/s/short.wav"), wav([samples.slice(0, 17_000)]));
  const list = await scan(root);
  rmSync(join(root, "d/s/gone.flac"));
  const text = await extract(list, {
    outputDir: join(folder, "bad-out"),
    modelPath,
    device: "cpu",
    segments: 3,
  }).then(String, (error: Error) => error.message);
  assert.match(text, /No file of .* could be embedded/);
  const lines = readFileSync(join(folder, "bad-out", "corpus.jsonl"), "utf8");
  assert.match(lines, /"utteranceId":"text","stage":"decode"/);
  assert.match(lines, /"utteranceId":"gone","stage":"read"/);
  assert.match(
    lines,
    /"utteranceId":"short","stage":"signal","reason":"\d\.\d+ s of speech in 1\.06 s, nowhere 1\.5 s/,
  );
});

test.run();
