import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { onnxModel } from "./onnx-model.js";

const temporaryFolders: string[] = [];
process.on("exit", () => {
  for (const folder of temporaryFolders) rmSync(folder, { recursive: true, force: true });
});

/** A new empty folder that is gone when the process ends. */
export function temporaryFolder(name = "speakerscope"): string {
  const folder = mkdtempSync(join(tmpdir(), `${name}-`));
  temporaryFolders.push(folder);
  return folder;
}

/** Writes a file with the folders above it. */
export function put(path: string, content: string | Uint8Array): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  return path;
}

/** The files below a folder, in base 64 by their paths. */
export function contentsOf(folder: string): Record<string, string> {
  return Object.fromEntries(
    readdirSync(folder, { recursive: true })
      .map((name) => join(folder, String(name)))
      .filter((path) => statSync(path).isFile())
      .sort()
      .map((path) => [relative(folder, path), readFileSync(path).toString("base64")]),
  );
}

/**
 * A speaker model that is small enough for tests: the embedding is the mean over frames of the features, mapped to
 * `dimension` numbers by a fixed matrix. With its configuration beside it.
 */
export function tinyModel(
  folder: string,
  {
    dimension = 8,
    configured = dimension,
    numMelBins = 20,
    slope = 1.7,
  }: { dimension?: number; configured?: number; numMelBins?: number; slope?: number } = {},
): string {
  const weights = Float32Array.from({ length: numMelBins * dimension }, (_, i) => Math.sin(i * slope) + 0.1);
  const path = join(folder, "tiny.onnx");
  put(
    path,
    onnxModel({
      name: "tiny",
      inputs: { feature: ["batch", "frames", numMelBins] },
      outputs: { embedding: ["batch", dimension] },
      initializers: { weights: { data: weights, shape: [numMelBins, dimension] } },
      nodes: [
        { op: "Mul", inputs: ["feature", "feature"], outputs: ["square"] },
        { op: "ReduceMean", inputs: ["square"], outputs: ["mean"], attributes: { axes: [1], keepdims: 0 } },
        { op: "MatMul", inputs: ["mean", "weights"], outputs: ["embedding"] },
      ],
    }),
  );
  // JSON is YAML too, and read without loading a parser of 40 ms in each process of each extraction.
  const frontend = { mean_normalization: false };
  put(
    join(folder, "tiny.yaml"),
    JSON.stringify({ sample_rate: 16000, fbank_dim: numMelBins, embedding_size: configured, frontend }),
  );
  return path;
}

/** A 16-bit WAV file; samples in [-1, 1], one array a channel. */
export function wav(channels: readonly Float32Array[], sampleRate = 16000): Uint8Array {
  const frames = channels[0]!.length;
  const data = Buffer.alloc(frames * channels.length * 2);
  for (let i = 0; i < frames; i++)
    channels.forEach((samples, c) => {
      data.writeInt16LE(
        Math.max(-32768, Math.min(32767, Math.round(samples[i]! * 32768))),
        (i * channels.length + c) * 2,
      );
    });
  const header = Buffer.alloc(44);
  header.write("RIFF", 0, "latin1");
  header.writeUInt32LE(36 + data.length, 4);
  header.write("WAVEfmt ", 8, "latin1");
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(channels.length, 22);
  header.writeUInt32LE(sampleRate, 24);
  header.writeUInt32LE(sampleRate * channels.length * 2, 28);
  header.writeUInt16LE(channels.length * 2, 32);
  header.writeUInt16LE(16, 34);
  header.write("data", 36, "latin1");
  header.writeUInt32LE(data.length, 40);
  return Buffer.concat([header, data]);
}

/**
 * A program to name in FFMPEG: it runs these lines of shell, and then answers with the samples, whatever it is asked.
 *
 * Files in no format of ours go to FFmpeg, so a test can hold a rank at one of them for as long as it likes.
 */
export function fakeFfmpeg(path: string, lines: string, samples: Float32Array): string {
  // A Sun audio file of 32-bit floats and unknown length, as FFmpeg writes one into a pipe.
  const bytes = Buffer.alloc(24 + 4 * samples.length);
  bytes.write(".snd", "latin1");
  for (const [i, value] of [24, 0xffffffff, 6, 16000, 1].entries()) bytes.writeUInt32BE(value, 4 + 4 * i);
  for (const [i, value] of samples.entries()) bytes.writeFloatBE(value, 24 + 4 * i);
  put(`${path}.au`, bytes);
  put(path, `#!/bin/sh\n${lines}\nexec cat '${path}.au'\n`);
  chmodSync(path, 0o755);
  return path;
}

/** A voice-like sound: harmonics of a pitch with a slow beat; the same seed gives the same samples. */
export function voice(seed: number, { seconds = 1.5, sampleRate = 16000 } = {}): Float32Array {
  const pitch = 90 + ((seed * 37) % 150);
  let noise = seed * 7919 + 1;
  return Float32Array.from({ length: Math.round(seconds * sampleRate) }, (_, i) => {
    const t = i / sampleRate;
    noise = (noise * 1103515245 + 12345) % 2147483648;
    let sum = (noise / 2147483648 - 0.5) * 0.02;
    for (let h = 1; h <= 8; h++) sum += Math.sin(2 * Math.PI * pitch * h * t + seed * h) / (h + (seed % 5));
    return 0.1 * sum * (0.6 + 0.4 * Math.sin(2 * Math.PI * 3 * t));
  });
}

/** Writes a corpus of voices: `{"dataset/speaker/utterance.wav": seed}`. */
export function tinyCorpus(root: string, files: Record<string, number>): string {
  for (const [file, seed] of Object.entries(files)) {
    const path = put(join(root, file), wav([voice(seed)]));
    // A fixed time, so that a copy of the corpus is the same to the extraction.
    utimesSync(path, 1700000000, 1700000000);
  }
  return root;
}
