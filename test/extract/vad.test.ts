import { copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { extract, loadAudio, readEmbeddings, readManifest, scan, speechSegments } from "speakerscope";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { embed } from "../../src/embed/embed.js";
import { openModel } from "../../src/embed/open-model.js";
import { speechOnly } from "../../src/extract/speech-only.js";
import { put, temporaryFolder, tinyModel, wav } from "../tiny.js";

const clip = join(__dirname, "..", "fixtures", "vad", "quiet.flac");

/** The speech of a signal, one segment behind the other. */
async function speechOf(samples: Float32Array): Promise<number[]> {
  const segments = await speechSegments({ samples, sampleRate: 16000 });
  return segments.flatMap(({ start, end }) => [...samples.subarray(start * 16000, end * 16000)]);
}

async function pieces(bytes: Uint8Array, seconds: number, sampleRate = 16000) {
  const all: { samples: Float32Array; speech?: { seconds: number; of: number } }[] = [];
  for await (const piece of speechOnly(bytes, { seconds, sampleRate, channel: "mean" })) all.push(piece);
  return all;
}

test("what is kept of a file is its speech, whole or in pieces", async () => {
  const { samples, seconds } = await loadAudio(clip);
  const speech = await speechOf(samples);
  for (const length of [200, 2, 1.1]) {
    const kept = await pieces(readFileSync(clip), length);
    assert.equal(
      kept.flatMap((piece) => [...piece.samples]),
      speech,
      `pieces of ${length} s`,
    );
    assert.equal(
      kept.map(({ speech }) => speech && [Math.round(speech.seconds * 16000), speech.of]),
      [[speech.length, seconds], ...kept.slice(1).map(() => undefined)],
    );
  }
  const [other] = await pieces(readFileSync(clip), 200, 8000);
  assert.ok(Math.abs(other!.samples.length - speech.length / 2) <= 2);
});

test("a file without speech is one empty piece, however long", async () => {
  const noise = wav([Float32Array.from({ length: 80_000 }, (_, i) => Math.sin(i * i) * 0.01)]);
  for (const seconds of [200, 1]) {
    const kept = await pieces(noise, seconds);
    assert.equal(
      kept.map(({ samples, speech }) => [samples.length, speech]),
      [[0, { seconds: 0, of: 5 }]],
    );
  }
});

test("extraction with vad embeds the speech alone, says how much, and fails where there is none", async () => {
  const folder = temporaryFolder();
  const modelPath = tinyModel(folder);
  const corpus = join(folder, "corpus");
  put(
    join(corpus, "d/s/noise.wav"),
    wav([Float32Array.from({ length: 48_000 }, (_, i) => Math.sin(i * i) * 0.01)]),
  );
  copyFileSync(clip, join(corpus, "d/s/clip.flac"));
  const run = (name: string, options: object) =>
    extract(corpus, { outputDir: join(folder, name), modelPath, device: "cpu", numRanks: 1, ...options });
  const result = await run("vad", { vad: true });
  assert.is(result.embedded, 1);
  assert.equal(
    result.failures.map(({ stage, reason }) => [stage, reason]),
    [["signal", "no speech in 3 s"]],
  );
  assert.equal(
    result.doubts.map(({ warning, detail }) => [warning, detail]),
    [["speech", "3.86 s of speech in 6.24 s"]],
  );
  const model = await openModel({ modelPath });
  const samples = Float32Array.from(await speechOf((await loadAudio(clip)).samples));
  const [expected] = await embed([{ samples, sampleRate: 16000 }], model);
  await model.close();
  const [stored] = await readEmbeddings(join(folder, "vad", "rank_00"), { level: "utterance" });
  assert.equal(stored!.embedding, expected);
  const threaded = await run("threads", { vad: true, decodeThreads: 2 });
  assert.equal(threaded.doubts, result.doubts);

  // Other embeddings, so another identity; without it the identity is what it was.
  const error = await run("vad", {}).catch((reason: { tag: string }) => reason);
  assert.is((error as { tag: string }).tag, "conflict");
  const plain = await run("plain", {});
  assert.equal([plain.embedded, plain.doubts], [2, []]);
  const metadata = JSON.parse(readFileSync(join(folder, "plain", "rank_00", "metadata.json"), "utf8"));
  assert.not("vad" in metadata.extraction);
});

test("with vad a span gives what a file that was cut beforehand gives: the speech around it is not looked at", async () => {
  const folder = temporaryFolder();
  const modelPath = tinyModel(folder);
  const { samples } = await loadAudio(clip);
  put(join(folder, "long.wav"), wav([samples]));
  put(join(folder, "files/d/s/u.wav"), wav([samples.slice(1.5 * 16000, 4.5 * 16000)]));
  const list = put(join(folder, "list.csv"), "path,speaker,id,start,end\nlong.wav,s,u,1.5,4.5\n");
  const made = await Promise.all(
    [await readManifest(list, { dataset: "d" }), await scan(join(folder, "files"))].map(async (corpus, i) => {
      const outputDir = join(folder, `out${i}`);
      const options = { outputDir, modelPath, device: "cpu", numRanks: 1, vad: true };
      const { doubts } = await extract(corpus, options);
      const [row] = await readEmbeddings(join(outputDir, "rank_00"), { level: "utterance" });
      return [row!.embedding, doubts.map(({ warning, detail }) => [warning, detail])];
    }),
  );
  assert.match(String(made[0]![1]), /^speech,.* s of speech in 3 s$/);
  assert.equal(made[0], made[1]);
});

test.run();
