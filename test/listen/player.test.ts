import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { outlierVoices } from "../../src/listen/outlier-voices.js";
import { pairVoices } from "../../src/listen/pair-voices.js";
import { type Player, type PlayerOptions, player } from "../../src/listen/player.js";
import type { UtteranceEmbedding } from "../../src/types.js";
import { decode } from "../audio/decode.js";
import { put, temporaryFolder, voice, wav } from "../tiny.js";

const folder = temporaryFolder("players");
const speech = join(__dirname, "../../data/speech");
const flac = join(speech, "studio/103/103-1240-0000-part0.flac");
const opus = join(speech, "podcast/caller-01/episode1-2.opus");

const shown = async (value: Player) =>
  (await (value as unknown as Record<symbol, () => Promise<Record<string, string>>>)[
    Symbol.for("Jupyter.display")
  ]!())!;
const html = async (clips: Parameters<typeof player>[0], options?: PlayerOptions) =>
  (await shown(player(clips, options)))["text/html"]!;

/** The sounds of a page, by type and bytes. */
const sounds = (page: string) =>
  [...page.matchAll(/src="data:([^;]+);base64,([^"]+)"/g)].map(([, type, data]) => ({
    type: type!,
    bytes: Buffer.from(data!, "base64"),
  }));

test("plays the file's own bytes where browsers can", async () => {
  const [first, second] = sounds(await html([flac, opus]));
  assert.is(first!.type, "audio/flac");
  assert.ok(first!.bytes.equals(readFileSync(flac)));
  assert.is(second!.type, "audio/ogg");
  assert.ok(second!.bytes.equals(readFileSync(opus)));
});

test("cuts what is long or unknown to browsers to the beginning, as 16-bit WAV", async () => {
  const samples = voice(3, { seconds: 14, sampleRate: 44100 });
  const path = put(join(folder, "long.wav"), wav([samples, samples], 44100));
  const page = await html(path);
  const [sound] = sounds(page);
  assert.is(sound!.type, "audio/wav");
  const { channels, sampleRate, codec } = decode(sound!.bytes);
  assert.equal([channels.length, channels[0]!.length, sampleRate, codec], [1, 160_000, 16000, "pcm_s16le"]);
  assert.match(page, "the first 10 s of 14.0 s");
  assert.is(decode(sounds(await html(path, { maxSeconds: 2 }))[0]!.bytes).channels[0]!.length, 32_000);
});

test("keeps the notebook small: what is beyond the limit is listed without its sound", async () => {
  const size = statSync(flac).size;
  const page = await html([flac, flac, flac], { maxBytes: Math.floor(size * 2.5) });
  assert.is(sounds(page).length, 2);
  assert.match(page, "left out, to keep the notebook small");
});

test("a file that cannot be played says why in its place, and the others play", async () => {
  const broken = put(join(folder, "broken.flac"), "no audio at all");
  const page = await html([broken, join(folder, "absent.wav"), flac]);
  assert.is(sounds(page).length, 1);
  assert.is(page.match(/cannot be played: /g)!.length, 2);
});

test("a dot file named as audio is told by its content", async () => {
  const path = join(folder, "misnamed.mp3");
  writeFileSync(path, readFileSync(opus));
  assert.is(sounds(await html(path))[0]!.type, "audio/ogg");
});

test("names are data: markup, quotes, emoji and text direction show as text", async () => {
  const name = `<img src=x onerror=hacked()> "q" 'a' & 🎤 \u202ecba`;
  const path = put(join(folder, `${name}.wav`), wav([voice(1)]));
  const { "text/html": page, "text/plain": text } = await shown(
    player({ path, dataset: "<script>", speakerId: `"><svg onload=hacked()>`, detail: "<b>**x**" }),
  );
  const tags = new Set(page!.match(/<\/?[a-z]+/gi));
  assert.equal(
    [...tags].filter((tag) => !/^<\/?(table|tbody|tr|td|strong|br|audio|small)$/.test(tag)),
    [],
  );
  assert.match(page!, "&lt;img src=x onerror=hacked()&gt; &quot;q&quot; &#39;a&#39; &amp; 🎤");
  assert.not.match(page!, "\u202e");
  assert.match(text!, "<script>");
});

test("rows of rows stand side by side, a flat list in columns", async () => {
  const rows = (page: string) =>
    page
      .split("<tr>")
      .slice(1)
      .map((row) => row.split("<td").length - 1);
  assert.equal(rows(await html([[flac], [opus, flac]])), [1, 2]);
  assert.equal(rows(await html([opus, opus, opus])), [2, 1]);
  assert.equal(rows(await html([opus, opus, opus], { columns: 3 })), [3]);
  assert.equal(rows(await html(opus)), [1]);
  assert.equal(rows(await html([])), []);
});

const utterance = (dataset: string, speakerId: string, utteranceId: string, ...embedding: number[]) =>
  ({
    key: `${dataset}_${speakerId}_${utteranceId}`,
    dataset,
    speakerId,
    utteranceId,
    path: `${dataset}/${speakerId}/${utteranceId}.wav`,
    embedding: Float32Array.from(embedding),
  }) satisfies UtteranceEmbedding;

const utterances = [
  utterance("a", "1", "x", 1, 0),
  utterance("a", "1", "y", 1, 0.2),
  utterance("a", "1", "z", 1, 1),
  utterance("b", "1", "x", 0, 1),
];
const info = (dataset: string, speakerId: string) => ({
  key: `${dataset}_${speakerId}`,
  dataset,
  speakerId,
  numUtterances: 1,
});

test("a pair is heard by the most typical utterance of each speaker", () => {
  const [row] = pairVoices(
    [{ speaker1: info("a", "1"), speaker2: info("b", "1"), similarity: 0.9188 }],
    utterances,
  );
  assert.equal(
    row!.map(({ path }) => path),
    ["a/1/y.wav", "b/1/x.wav"],
  );
  assert.match(row![0]!.detail!, "0.919");
});

test("an outlier is heard beside a typical utterance of its speaker, never beside itself", () => {
  const { embedding: _, ...odd } = utterances[2]!;
  const outlier = {
    ...odd,
    similarity: 0.71,
    score: 0.71,
    pull: 0.1,
    isOutlier: true,
    nearestSpeaker: "b_1",
    nearestSimilarity: 0.8,
    isWrongLabel: true,
  };
  const [row] = outlierVoices([outlier], utterances);
  assert.equal(
    row!.map(({ path }) => path),
    ["a/1/z.wav", "a/1/y.wav"],
  );
  assert.match(row![0]!.detail!, "nearer to b_1");
  const { embedding: __, ...alone } = utterances[3]!;
  assert.is(outlierVoices([{ ...outlier, ...alone }], utterances)[0]!.length, 1);
});

test.run();
