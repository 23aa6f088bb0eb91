import { inspectSignal } from "../audio/inspect-signal.js";
import { loadSegments } from "../audio/load-segments.js";
import type { Channel } from "../audio/mixdown.js";
import { resample } from "../audio/resample.js";
import { checksSampleRate } from "../checks/band-frames.js";
import { openSignalChecker, type SignalChecks } from "../checks/signal-checks.js";
import type { FrontEnd } from "../embed/front-end.js";
import type { Doubt, Matrix } from "../types.js";
import { type SpeechPiece, speechOnly } from "./speech-only.js";

export type StoredDoubt = Pick<Doubt, "warning" | "detail">;

/** What the model takes of a file, or of a part of a long one; or why that part cannot be speech. */
export type Piece = {
  samples: number;
  doubts: StoredDoubt[];
  /** Of the whole file, in its last piece; with `checks` alone. */
  checks?: SignalChecks;
} & ({ features: Matrix } | { failure: string });

export interface PrepareOptions {
  /** Keep speech alone. */
  vad?: boolean;
  /** Measure the audio for the audit too. */
  checks?: boolean;
}

/** Makes pieces of a file's bytes, here or in other threads. */
export interface Preparer {
  /**
   * Throws, where the pieces are read, when the bytes cannot be decoded.
   *
   * @param channel of this file; left out: as for all
   */
  prepare(bytes: Uint8Array, channel?: Channel): AsyncIterable<Piece>;
  close(): Promise<void>;
}

/**
 * A file of more than one and a half times this is embedded in pieces: 300 s in one go take 1 GB in the bundled model. Some models take
 * less at once.
 */
const pieceSeconds = 200;

/**
 * Decodes a file's bytes to the signal that the model takes, looks whether it can be speech at all, and makes features
 * of it. Short files are one piece; each piece is made when it is asked for.
 */
export async function* prepare(
  bytes: Uint8Array,
  frontEnd: FrontEnd,
  channel: Channel,
  { vad = false, checks = false }: PrepareOptions = {},
): AsyncGenerator<Piece> {
  if (!checks) return yield* pieces(bytes, frontEnd, channel, vad, async () => {});
  const checker = openSignalChecker();
  let held: Piece | undefined;
  for await (const piece of pieces(bytes, frontEnd, channel, vad, (samples) => checker.add(samples))) {
    if (held !== undefined) yield held;
    held = piece;
  }
  yield { ...held!, checks: await checker.end() };
}

/** @param onAudio is given all audio that can be embedded, at 16 kHz */
async function* pieces(
  bytes: Uint8Array,
  frontEnd: FrontEnd,
  channel: Channel,
  vad: boolean,
  onAudio: (samples: Float32Array) => Promise<void>,
): AsyncGenerator<Piece> {
  const { sampleRate, minSamples, maxSeconds = Infinity } = frontEnd;
  const options = { sampleRate, channel, seconds: Math.min(pieceSeconds, maxSeconds / 1.5) };
  const segments: AsyncIterable<SpeechPiece> = vad
    ? speechOnly(bytes, options, onAudio)
    : loadSegments(bytes, options);
  for await (const { samples, doubts: ofFile, speech } of segments) {
    const { failure, doubts: ofSignal } =
      speech?.seconds === 0
        ? { failure: `no speech in ${shown(speech.of)} s`, doubts: [] }
        : inspectSignal(samples, sampleRate, { minSamples });
    if (!vad && failure === undefined) await onAudio(resample(samples, sampleRate, checksSampleRate));
    const known = {
      samples: samples.length,
      doubts: [
        ...ofFile,
        ...(failure === undefined ? ofSignal : []),
        ...(speech === undefined ? [] : [doubtOf(speech)]),
      ],
    };
    yield failure === undefined ? { ...known, features: frontEnd.features(samples) } : { ...known, failure };
  }
}

const doubtOf = ({ seconds, of }: Required<SpeechPiece>["speech"]): StoredDoubt => ({
  warning: "speech",
  detail: `${shown(seconds)} s of speech in ${shown(of)} s`,
});

const shown = (seconds: number): string => String(Number(seconds.toFixed(2)));
