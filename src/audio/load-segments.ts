import type { Signal } from "../types.js";
import type { FileDoubt } from "./containers/source.js";
import type { Channel } from "./mixdown.js";
import { concatenated } from "./resample.js";
import { streamAudio } from "./stream-audio.js";

export interface SegmentOptions {
  /** Length of a piece in seconds; the last one is 0.5 to 1.5 times as long. */
  seconds: number;
  /** Sample rate of the pieces in Hz; 16000 by default. */
  sampleRate?: number;
  /** `mean` (the default) for the mean of all channels, or the number of one, from 0. */
  channel?: Channel;
  /** A longer file is an error; 360000 s (100 hours) by default. */
  maxSeconds?: number;
}

/** A piece of a file, and in the last one what is doubtful about the file. */
export interface Segment extends Signal {
  doubts: FileDoubt[];
}

/**
 * Decodes an audio file piece by piece, so that one of ten hours needs the memory of its bytes and of a piece.
 *
 * A file of up to one and a half pieces comes whole, just as `loadAudio` gives it.
 *
 * @throws as `loadAudio` does
 * @example
 * for await (const piece of loadSegments(readFileSync("day.flac"), { seconds: 200 })) console.log(piece.samples.length)
 */
export async function* loadSegments(bytes: Uint8Array, options: SegmentOptions): AsyncGenerator<Segment> {
  const { seconds, sampleRate = 16000, channel = "mean", maxSeconds = 100 * 3600 } = options;
  const pieces = new Pieces(Math.round(seconds * sampleRate));
  const stream = streamAudio(bytes, { sampleRate, channel, maxSeconds, restart: () => pieces.clear() });
  for (;;) {
    const { done, value } = await stream.next();
    if (done) return yield { samples: pieces.rest(), sampleRate, doubts: value.doubts };
    for (const piece of pieces.add(value)) yield { samples: piece, sampleRate, doubts: [] };
  }
}

/** Cuts a stream of samples into pieces of one length. At least half a piece is held back for the last one. */
class Pieces {
  #held: Float32Array[] = [];
  #count = 0;
  #hasGiven = false;

  constructor(readonly length: number) {}

  /** The pieces that are complete now. */
  add(samples: Float32Array): Float32Array[] {
    this.#held.push(samples);
    this.#count += samples.length;
    const complete: Float32Array[] = [];
    if (this.#count <= this.length * 1.5) return complete;
    const all = concatenated(this.#held);
    let start = 0;
    for (; all.length - start > this.length * 1.5; start += this.length)
      complete.push(all.slice(start, start + this.length));
    this.#hasGiven = true;
    this.#held = [all.slice(start)];
    this.#count = all.length - start;
    return complete;
  }

  /** Drops all samples; false if a piece was given already. */
  clear(): boolean {
    if (this.#hasGiven) return false;
    this.#held = [];
    this.#count = 0;
    return true;
  }

  rest(): Float32Array {
    return concatenated(this.#held);
  }
}
