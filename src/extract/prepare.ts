import { inspectSignal } from "../audio/inspect-signal.js";
import { loadSegments } from "../audio/load-segments.js";
import type { Channel } from "../audio/mixdown.js";
import type { FrontEnd } from "../embed/front-end.js";
import type { Doubt, Matrix } from "../types.js";

export type StoredDoubt = Pick<Doubt, "warning" | "detail">;

/** What the model takes of a file, or of a part of a long one; or why that part cannot be speech. */
export type Piece = { samples: number; doubts: StoredDoubt[] } & ({ features: Matrix } | { failure: string });

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
): AsyncGenerator<Piece> {
  const { sampleRate, minSamples, maxSeconds = Infinity } = frontEnd;
  const seconds = Math.min(pieceSeconds, maxSeconds / 1.5);
  const segments = loadSegments(bytes, { sampleRate, channel, seconds });
  for await (const { samples, doubts: ofFile } of segments) {
    const { failure, doubts: ofSignal } = inspectSignal(samples, sampleRate, { minSamples });
    const known = {
      samples: samples.length,
      doubts: [...ofFile, ...(failure === undefined ? ofSignal : [])],
    };
    yield failure === undefined ? { ...known, features: frontEnd.features(samples) } : { ...known, failure };
  }
}
