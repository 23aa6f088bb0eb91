import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Audio, loadAudio } from "../../src/audio/load-audio.js";
import { ScopeError } from "../../src/errors.js";
import type { NdArray } from "../../src/format/nd-array.js";
import { readNpy, writeNpy } from "../../src/format/npy.js";
import { readPickle } from "../../src/format/read-pickle.js";
import { writePickle } from "../../src/format/write-pickle.js";
import { withChecksums } from "../audio/checksums.js";
import { allFiles, random } from "../audio/fixtures.js";

/** What is fuzzed: sound files, and their reader. */
interface Target {
  name: string;
  files: [name: string, bytes: Uint8Array][];
  read(bytes: Uint8Array): unknown;
  /** Why the answer of a reader that did not complain is odd all the same. */
  oddity(
    answer: unknown,
    bytes: Uint8Array,
    original: Uint8Array,
  ): string | undefined | Promise<string | undefined>;
}

const fixtures = (extension: string): [string, Uint8Array][] =>
  ["origin", "campplus"].flatMap((folder) => {
    const path = join(__dirname, "../fixtures", folder);
    const names = readdirSync(path).filter((name) => name.endsWith(extension));
    return names
      .map((name): [string, Uint8Array] => [name, new Uint8Array(readFileSync(join(path, name)))])
      .filter(([, { length }]) => length < 1 << 16);
  });

const audio: Target = {
  name: "audio",
  files: allFiles(),
  read: (bytes) => loadAudio(bytes),
  async oddity(answer, bytes, original) {
    const { samples, seconds, format, originalSampleRate } = answer as Audio;
    if (samples.some((sample) => !(Math.abs(sample) < 1e10))) return "gave samples beyond any scale";
    if (Math.abs(samples.length / 16000 - seconds) > 1 / Math.min(originalSampleRate, 16000))
      return `gave ${samples.length} samples for ${seconds} s`;
    // Every FLAC frame has a checksum: behind an unchanged header nothing else may come out.
    if (format !== "flac" || !Buffer.from(bytes.subarray(0, 42)).equals(original.subarray(0, 42)))
      return undefined;
    const right = (await loadAudio(original)).samples;
    return samples.length === right.length && samples.every((sample, i) => sample === right[i])
      ? undefined
      : "gave other samples than the intact file";
  },
};

const pickles: Target = {
  name: "pickle",
  files: [
    ...fixtures(".pkl"),
    [
      "nested",
      writePickle({ a: [1, 2.5, null, true, "text", 2n ** 70n], b: { c: Float32Array.of(1, 2, 3) } }),
    ],
    ["array", writePickle({ data: Float64Array.of(1, 2, 3, 4), shape: [2, 2] })],
    ["bytes", writePickle([Uint8Array.of(1, 2, 3), "x".repeat(300), Int32Array.of(7)])],
  ],
  read: (bytes) => readPickle(bytes),
  oddity: () => undefined,
};

const npy: Target = {
  name: "npy",
  files: [
    ...fixtures(".npy"),
    ["float32", writeNpy(Float32Array.of(1, 2, 3, 4, 5, 6), { shape: [2, 3] })],
    ["int64", writeNpy(BigInt64Array.of(1n, -2n))],
    ["bool", writeNpy(Uint8Array.of(1, 0, 1), { dtype: "bool" })],
  ],
  read: (bytes) => readNpy(bytes),
  oddity(answer) {
    const { data, shape } = answer as NdArray;
    const size = shape.reduce((product, axis) => product * axis, 1);
    return size === data.length ? undefined : `gave ${data.length} numbers of shape ${shape.join(" x ")}`;
  },
};

// Manifests join these when their readers do.
const targets = [audio, audio, pickles, npy];

/** Mutation number `index`: the same in every run with the same seed. */
function mutant(seed: number, index: number) {
  const next = random(Math.imul(seed, 0x9e3779b1) ^ index);
  const below = (n: number) => Math.floor(next() * n);
  const target = targets[index % targets.length];
  const [name, original] = target.files[below(target.files.length)];
  let bytes = original.slice();
  for (let rounds = 1 + below(3); rounds > 0; rounds--) bytes = mutated(bytes, below);
  if (/ogg|opus|oga/.test(name) && below(2) === 0) withChecksums(bytes);
  return { target, name, original, bytes };
}

function mutated(bytes: Uint8Array, below: (n: number) => number): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(bytes);
  if (copy.length < 8) return copy;
  const header = Math.min(300, copy.length);
  const extremes = [0, 1, 0x7f, 0x80, 0xff, 0x7fffffff, 0x80000000, 0xffffffff];
  switch (below(8)) {
    case 0:
      for (let i = below(12); i >= 0; i--) copy[below(copy.length)] = below(256);
      return copy;
    case 1:
      for (let i = below(4); i >= 0; i--) copy[below(header)] = below(256);
      return copy;
    case 2:
      copy[below(header)] ^= 1 << below(8);
      return copy;
    case 3:
      new DataView(copy.buffer).setUint32(
        below(copy.length - 4),
        extremes[below(extremes.length)],
        below(2) === 0,
      );
      return copy;
    case 4:
      return copy.slice(0, below(copy.length));
    case 5: {
      // A piece twice.
      const [start, length] = [below(copy.length), below(200)];
      return Uint8Array.from([...copy.subarray(0, start + length), ...copy.subarray(start)]);
    }
    case 6: {
      // A piece less.
      const start = below(copy.length);
      return Uint8Array.from([...copy.subarray(0, start), ...copy.subarray(start + 1 + below(100))]);
    }
    default: {
      const start = below(copy.length);
      return copy.fill(below(256), start, start + below(500));
    }
  }
}

/** Reads one mutant; what is wrong with how its reader took it, if anything is. */
export async function findingOf(seed: number, index: number): Promise<string | undefined> {
  const { target, name, original, bytes } = mutant(seed, index);
  const who = `${target.name}, ${name}`;
  try {
    const answer = await target.read(bytes);
    const odd = await target.oddity(answer, bytes, original);
    return odd === undefined ? undefined : `${who}: ${odd}`;
  } catch (error) {
    if (!(error instanceof ScopeError) || !/^(invalid|unsupported)$/.test(error.tag))
      return `${who}: ${(error as Error).stack}`;
    return target === audio && /undefined|\[object/.test(error.message)
      ? `${who}: ${error.message}`
      : undefined;
  }
}
