// CPU time of decoding and resampling, on the bundled speech. Needs a build.
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const { inspectSignal, loadAudio, resample } = createRequire(import.meta.url)(
  join(root, "dist/src/index.js"),
);

const cpuMs = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

async function measured(work) {
  const start = cpuMs();
  await work();
  return cpuMs() - start;
}

/** The median of five rounds over all inputs, after one that warms up, in milliseconds for each input. */
async function each(inputs, work) {
  const rounds = [];
  for (let round = 0; round < 6; round++)
    rounds.push((await measured(() => inOrder(inputs, work))) / inputs.length);
  return rounds.slice(1).sort((a, b) => a - b)[2];
}

async function inOrder(inputs, work) {
  for (const input of inputs) await work(input);
}

function wave(samples, sampleRate) {
  const file = Buffer.alloc(44 + 2 * samples.length);
  file.write("RIFF....WAVEfmt ", "latin1");
  file.set([16, 0, 0, 0, 1, 0, 1, 0], 16);
  file.writeUInt32LE(sampleRate, 24);
  file.writeUInt32LE(2 * sampleRate, 28);
  file.set([2, 0, 16, 0], 32);
  file.write("data", 36, "latin1");
  file.writeUInt32LE(2 * samples.length, 40);
  samples.forEach((sample, i) => {
    file.writeInt16LE(Math.round(sample * 32767), 44 + 2 * i);
  });
  file.writeUInt32LE(file.length - 8, 4);
  return file;
}

const show = (name, ms, seconds) =>
  console.log(`${name.padEnd(44)} ${ms.toFixed(2).padStart(7)} CPU-ms a clip of ${seconds.toFixed(1)} s`);

const files = (folder, extension) =>
  readdirSync(join(root, "data/speech", folder), { recursive: true })
    .filter((name) => name.endsWith(extension))
    .map((name) => join(root, "data/speech", folder, name));
const flac = files("test-other", ".flac");
const opus = files("podcast", ".opus");

console.log(
  `first file, with the module's start: ${(await measured(() => loadAudio(flac[0]))).toFixed(1)} CPU-ms`,
);
const signals = [];
for (const path of flac) signals.push(await loadAudio(path));
const mean = (list) => list.reduce((sum, { seconds }) => sum + seconds, 0) / list.length;
const seconds = mean(signals);
show("FLAC 16 kHz, read and decoded", await each(flac, (path) => loadAudio(path)), seconds);
const bytes = flac.map((path) => readFileSync(path));
show("FLAC 16 kHz, from memory", await each(bytes, (file) => loadAudio(file)), seconds);
show("inspectSignal", await each(signals, ({ samples }) => inspectSignal(samples, 16000)), seconds);
const some = signals.slice(0, 20);
for (const sampleRate of [16000, 8000, 44100, 48000]) {
  const waves = some.map(({ samples }) => wave(resample(samples, 16000, sampleRate), sampleRate));
  show(`WAV ${sampleRate} Hz, to 16 kHz`, await each(waves, (file) => loadAudio(file)), mean(some));
}
const loaded = [];
for (const path of opus) loaded.push(await loadAudio(path));
show("Opus, to 16 kHz", await each(opus, (path) => loadAudio(path)), mean(loaded));
