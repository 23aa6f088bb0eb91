import { embed } from "../embed/embed.js";
import type { Model } from "../embed/open-model.js";
import { speechProbabilities, vadSampleRate, vadWindow } from "../vad/speech-probabilities.js";
import { dot } from "../vectors/dot.js";
import { unitVector } from "../vectors/unit-vector.js";

/** Where the voice of a clip changes most. */
export interface VoiceChange {
  /** Mean cosine between what lies before and behind the change, of windows of 1.2 s without common samples; low where two people speak. */
  similarity: number;
  /** Seconds from the start. */
  at: number;
}

const windowSeconds = 1.2;
const hopSeconds = 0.4;
/** Windows so many hops apart have no sample in common. */
const apart = 3;
/** So much of a window has to be speech. */
const leastSpeech = 0.5;
/** What comes later is not looked at. */
const mostSeconds = 30;

/**
 * Looks for the place where the voice of a signal changes: the embeddings of windows before it are compared with those behind it. Costs as much
 * as embedding the clip three times.
 *
 * @param samples Float32Array (n) at 16 kHz
 * @returns null where there is too little speech: under 2.4 s
 */
export async function voiceChange(samples: Float32Array, model: Model): Promise<VoiceChange | null> {
  const detector = speechProbabilities();
  const signal = samples.subarray(0, mostSeconds * vadSampleRate);
  const parts = [await detector.push(signal), await detector.end()];
  const speech = parts.flatMap((part) => [...part]);
  const [length, hop] = [windowSeconds * vadSampleRate, hopSeconds * vadSampleRate];
  const starts: number[] = [];
  for (let start = 0; start + length <= signal.length; start += hop) {
    const [from, to] = [start, start + length].map((at) => Math.floor(at / vadWindow));
    const part = speech.slice(from, to + 1);
    if (part.filter((p) => p >= 0.5).length >= leastSpeech * part.length) starts.push(start);
  }
  if (starts.length < 2 || starts[starts.length - 1] - starts[0] < apart * hop) return null;
  const windows = starts.map((start) => ({
    samples: signal.slice(start, start + length),
    sampleRate: vadSampleRate,
  }));
  const embeddings = (await embed(windows, model)).map(unitVector);
  const isApart = (i: number, j: number) => starts[j] - starts[i] >= apart * hop;
  const cosineOf = (i: number, j: number) => dot(embeddings[i], 0, embeddings[j], 0, embeddings[i].length);
  let similarity = Infinity;
  let most = { contrast: -Infinity, change: 1 };
  for (let change = 1; change < starts.length; change++) {
    const [across, within] = [new Mean(), new Mean()];
    for (let i = 0; i < starts.length; i++)
      for (let j = i + 1; j < starts.length; j++)
        if (isApart(i, j)) (i < change && j >= change ? across : within).add(cosineOf(i, j));
    if (across.count === 0) continue;
    similarity = Math.min(similarity, across.value);
    // The place is where both sides agree best with themselves: the lowest similarity alone may be off by some windows.
    const contrast = (within.count === 0 ? 0 : within.value) - across.value;
    if (contrast > most.contrast) most = { contrast, change };
  }
  return { similarity, at: (starts[most.change - 1] + starts[most.change] + length) / 2 / vadSampleRate };
}

class Mean {
  count = 0;
  #sum = 0;

  add(value: number): void {
    this.#sum += value;
    this.count++;
  }

  get value(): number {
    return this.#sum / this.count;
  }
}
