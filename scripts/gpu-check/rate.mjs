// How many utterances per second the model embeds on a device, with features ready. Each setting has a process of its own,
// so that none profits from what another compiled. Prints a line of JSON with all it knows so far after each part, so that
// a run that is stopped leaves its measurements too.
import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { round } from "./watched-process.mjs";

const { speech, device, batchSize, bucket, modelPath } = JSON.parse(process.argv[2]);
const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const built = (name) => createRequire(import.meta.url)(join(root, "dist", "src", name));
const { loadAudio } = built("audio/load-audio.js");
const { embedFeatures } = built("embed/embed.js");
const { openModel } = built("embed/open-model.js");

let start = performance.now();
const lap = () => {
  const seconds = (performance.now() - start) / 1000;
  start = performance.now();
  return seconds;
};
const model = await openModel({ device, bucket, modelPath });
const result = { openSeconds: round(lap()) };

const features = [];
let audioSeconds = 0;
for (const name of readdirSync(speech, { recursive: true }).map(String).sort()) {
  if (!/\.(flac|opus)$/.test(name)) continue;
  const { samples } = await loadAudio(join(speech, name), { sampleRate: model.sampleRate });
  audioSeconds += samples.length / model.sampleRate;
  features.push(await model.features(samples));
}
Object.assign(result, {
  clips: features.length,
  audioSeconds: round(audioSeconds),
  frameCounts: new Set(features.map(({ rows }) => rows)).size,
  prepareSeconds: round(lap()),
});
say();

let batches = 0;
const counting = {
  ...model,
  run(group) {
    batches++;
    return model.run(group);
  },
};
// The first pass compiles shaders or plans convolutions for every new shape; what a long extraction sees is the third.
for (const pass of ["first", "second", "third"]) {
  batches = 0;
  lap();
  await embedFeatures(features, counting, { batchSize });
  const seconds = lap();
  result[pass] = { utterancesPerSecond: round(features.length / seconds), seconds: round(seconds), batches };
  say();
}
await model.close();

function say() {
  console.log(JSON.stringify(result));
}
