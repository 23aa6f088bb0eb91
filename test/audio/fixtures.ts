import { readFileSync } from "node:fs";
import { join } from "node:path";

export interface SndfileCase {
  name: string;
  channels: number;
  file: string;
  samples: string;
}
export interface FlacCase {
  name: string;
  bits: number;
  file: string;
}
export interface LossyCase {
  name: string;
  by: string;
  sampleRate: number;
  channels: number;
  frames: number;
  file: string;
  samples: string;
}
export interface ConcealmentCase {
  name: string;
  frames: number;
  file: string;
  samples: string;
}
export interface ResampledCase {
  from: number;
  to: number;
  slope: number;
  samples: number;
  want: number[];
}

const read = <Case>(name: string): Case[] =>
  JSON.parse(readFileSync(join(__dirname, "../fixtures/audio", name), "utf8"));

export const sndfileCases = () => read<SndfileCase>("sndfile.json");
export const flacCases = () => read<FlacCase>("flac.json");
export const lossyCases = () => read<LossyCase>("lossy.json");
export const concealmentCases = () => read<ConcealmentCase>("concealment.json");
export const resampledCases = () => read<ResampledCase>("resampled.json");

export const bytesOf = (base64: string): Uint8Array => new Uint8Array(Buffer.from(base64, "base64"));

export const lossyFile = (name: string): Uint8Array => {
  const found = lossyCases().find((fixture) => fixture.name === name);
  if (found === undefined) throw new Error(`no fixture ${name}`);
  return bytesOf(found.file);
};

/** Every fixture file by its name. */
export const allFiles = (): [name: string, bytes: Uint8Array][] =>
  [...sndfileCases(), ...flacCases(), ...lossyCases()].map(({ name, file }) => [name, bytesOf(file)]);

/** A RIFF file of chunks. */
export function riff(chunks: [id: string, body: Uint8Array][], { id = "RIFF", size = -1 } = {}): Buffer {
  const parts = chunks.map(([name, body]) => {
    const header = Buffer.alloc(8);
    header.write(name, "latin1");
    header.writeUInt32LE(body.length, 4);
    return Buffer.concat([header, body, Buffer.alloc(body.length & 1)]);
  });
  const header = Buffer.alloc(12);
  header.write(id, "latin1");
  header.write("WAVE", 8, "latin1");
  const file = Buffer.concat([header, ...parts]);
  file.writeUInt32LE(size >= 0 ? size : file.length - 8, 4);
  return file;
}

export interface FormatOptions {
  tag?: number;
  channels?: number;
  sampleRate?: number;
  bits?: number;
  align?: number;
}

/** The body of a `fmt ` chunk. */
export function fmt({
  tag = 1,
  channels = 1,
  sampleRate = 16000,
  bits = 16,
  align,
}: FormatOptions = {}): Buffer {
  const body = Buffer.alloc(16);
  const frame = align ?? (channels * bits) / 8;
  body.writeUInt16LE(tag, 0);
  body.writeUInt16LE(channels, 2);
  body.writeUInt32LE(sampleRate, 4);
  body.writeUInt32LE((sampleRate * frame) % 2 ** 32, 8);
  body.writeUInt16LE(frame, 12);
  body.writeUInt16LE(bits, 14);
  return body;
}

export const int16 = (...samples: number[]): Buffer => Buffer.from(Int16Array.from(samples).buffer);
export const float32 = (...samples: number[]): Buffer => Buffer.from(Float32Array.from(samples).buffer);

/** The mono WAVE file of 16-bit samples. */
export const wave = (samples: Buffer, format: FormatOptions = {}): Buffer =>
  riff([
    ["fmt ", fmt(format)],
    ["data", samples],
  ]);

/** A sine as 16-bit samples. */
export const sine16 = (hertz: number, seconds: number, sampleRate = 16000, amplitude = 0.5): Buffer =>
  Buffer.from(
    Int16Array.from({ length: Math.round(seconds * sampleRate) }, (_, i) =>
      Math.round(32767 * amplitude * Math.sin((2 * Math.PI * hertz * i) / sampleRate)),
    ).buffer,
  );

/** Numbers in [0, 1) that are the same in every run (mulberry32). */
export function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Ratio of what is wanted to what is off, in dB. */
export function snr(want: ArrayLike<number>, got: ArrayLike<number>): number {
  let [signal, noise] = [0, 0];
  for (let i = 0; i < want.length; i++) {
    signal += want[i] ** 2;
    noise += (want[i] - got[i]) ** 2;
  }
  return 10 * Math.log10(signal / noise);
}
