import { resample } from "../audio/resample.js";
import { embed } from "../embed/embed.js";
import { bundledModels, type Model, openModel } from "../embed/open-model.js";
import { invalid, missing } from "../errors.js";
import type { Signal } from "../types.js";
import { averageLinkage } from "../vectors/average-linkage.js";
import { dot } from "../vectors/dot.js";
import { unitVector } from "../vectors/unit-vector.js";
import { type SpeechSegment, type SpeechSegmentOptions, speechSegments } from "./speech-segments.js";
import { splitSpeech } from "./split-speech.js";

export interface VoicesOptions extends Pick<SpeechSegmentOptions, "abortSignal"> {
  /** The bundled CAM++ by default, which is opened for the call. */
  model?: Model;
  /** Groups of turns whose mean cosine is at least this are one voice; default: `voice_threshold` of the model's configuration. */
  threshold?: number;
  /** Longer segments of speech are cut into turns of at most so many seconds; 3. */
  turnSeconds?: number;
  /** A group of turns that is shorter in all is no voice: its turns go to the voice that each is most like; 1. */
  minSeconds?: number;
  /** How speech is found. */
  speech?: SpeechSegmentOptions;
}

/** A stretch of speech, and whose it is. */
export interface VoiceTurn extends SpeechSegment {
  /** Number of the voice, from 1 in the order of their first turns. */
  voice: number;
  /** Cosine to the mean of the voice, which the turn itself is a part of. */
  similarity: number;
  /** Float32Array (dimension), of unit length. */
  embedding: Float32Array;
}

/** One voice of a recording. */
export interface Voice {
  /** From 1. */
  voice: number;
  /** Seconds that it speaks. */
  seconds: number;
  turns: number;
  /** Float32Array (dimension): the mean over its turns by their seconds, of unit length. */
  embedding: Float32Array;
}

export interface Voices {
  /** How many voices there are; 0 where nobody speaks. */
  count: number;
  voices: Voice[];
  /** In the order of time. */
  turns: VoiceTurn[];
}

/**
 * Says how many voices a recording holds and when each speaks: a check for recordings that should hold one voice.
 *
 * The speech is cut into turns of up to 3 s, each is embedded, and turns are grouped by average linkage. Turns are not
 * cut where one voice follows another without a pause, and of two voices at the same time one is found: this counts
 * voices, and is no diarisation.
 *
 * @throws `invalid` for options that cannot be, `missing` where nobody says the threshold for the model, `interrupted`
 * @example
 * const { count, turns } = await voices(audio, { model })
 * console.table(turns.map(({ start, end, voice }) => ({ start, end, voice })))
 */
export async function voices(recording: Signal, options: VoicesOptions = {}): Promise<Voices> {
  if (options.model !== undefined) return voicesBy(options.model, recording, options);
  const model = await openModel();
  try {
    return await voicesBy(model, recording, options);
  } finally {
    await model.close();
  }
}

/** Cosines of one model say nothing about those of another, and with a wrong threshold every count looks plausible. */
function unknownThreshold({ identity: { name } }: Model): never {
  throw missing(
    `No threshold of voices is known for the model ${name}; it is for ${Object.keys(bundledModels).join(" and ")}. Give voices(recording, ` +
      "{ model, threshold }), or voice_threshold in its configuration; docs/voice-activity.md says how to find it.",
    { got: name },
  );
}

async function voicesBy(model: Model, recording: Signal, options: VoicesOptions): Promise<Voices> {
  const {
    threshold = model.voiceThreshold ?? unknownThreshold(model),
    turnSeconds = 3,
    minSeconds = 1,
    speech = {},
    abortSignal,
  } = options;
  const demand = (name: string, got: number, valid: boolean, want: string) => {
    if (!valid) throw invalid(`${name} is ${got}. It must be ${want}.`, { got });
  };
  demand("threshold", threshold, Math.abs(threshold) <= 1, "a cosine, from -1 to 1");
  demand("turnSeconds", turnSeconds, turnSeconds >= 0.5, "a number of seconds from 0.5");
  demand("minSeconds", minSeconds, minSeconds >= 0, "a number of seconds from 0");
  const { sampleRate } = model;
  const samples = resample(recording.samples, recording.sampleRate, sampleRate);
  const segments = await speechSegments({ samples, sampleRate }, { ...speech, abortSignal });
  const cut = ({ start, end }: SpeechSegment) =>
    samples.subarray(Math.round(start * sampleRate), Math.round(end * sampleRate));
  const turns = splitSpeech(segments, turnSeconds).filter((turn) => cut(turn).length >= model.minSamples);
  const embeddings = (
    await embed(
      turns.map((turn) => ({ samples: cut(turn), sampleRate })),
      model,
      { abortSignal },
    )
  ).map(unitVector);
  return countVoices(turns, embeddings, { threshold, minSeconds });
}

/**
 * Groups turns into voices.
 *
 * @param embeddings one for each turn, of unit length
 */
export function countVoices(
  turns: readonly SpeechSegment[],
  embeddings: readonly Float32Array[],
  { threshold, minSeconds }: { threshold: number; minSeconds: number },
): Voices {
  const seconds = turns.map(({ start, end }) => end - start);
  const groups = grouped(embeddings, threshold);
  const secondsOf = (group: number) =>
    seconds.reduce((sum, value, i) => (groups[i] === group ? sum + value : sum), 0);
  // A turn of less than a second is often like no other; alone it is no voice.
  const all = [...turns.keys()];
  const long = all.filter((i) => secondsOf(groups[i]!) >= minSeconds);
  const founders = long.length > 0 ? long : all;
  const first = centroids(founders, groups, embeddings, seconds);
  const numbers = new Map<number, number>();
  const voiceOf = turns.map((_, i) => {
    const group = first.has(groups[i]!) ? groups[i]! : nearest(embeddings[i]!, first);
    const voice = numbers.get(group) ?? numbers.size;
    numbers.set(group, voice);
    return voice;
  });
  const means = centroids(all, voiceOf, embeddings, seconds);
  return {
    count: means.size,
    voices: [...means].map(([voice, embedding]) => {
      const own = all.filter((i) => voiceOf[i] === voice);
      return {
        voice: voice + 1,
        seconds: own.reduce((sum, i) => sum + seconds[i]!, 0),
        turns: own.length,
        embedding,
      };
    }),
    turns: turns.map(({ start, end }, i) => ({
      start,
      end,
      voice: voiceOf[i]! + 1,
      similarity: cosine(embeddings[i]!, means.get(voiceOf[i]!)!),
      embedding: embeddings[i]!,
    })),
  };
}

function grouped(rows: readonly Float32Array[], threshold: number): Uint32Array {
  const n = rows.length;
  const similarities = Float64Array.from({ length: n * n }, (_, at) =>
    cosine(rows[Math.floor(at / n)]!, rows[at % n]!),
  );
  return averageLinkage(similarities, n, threshold);
}

/** The mean of each group's rows by their weights, of unit length, in the order of the groups' first rows. */
function centroids(
  rows: readonly number[],
  groups: ArrayLike<number>,
  embeddings: readonly Float32Array[],
  weights: readonly number[],
): Map<number, Float32Array> {
  const sums = new Map<number, Float64Array>();
  for (const row of rows) {
    const embedding = embeddings[row]!;
    const sum = sums.get(groups[row]!) ?? new Float64Array(embedding.length);
    sums.set(groups[row]!, sum);
    embedding.forEach((value, i) => {
      sum[i]! += value * weights[row]!;
    });
  }
  return new Map([...sums].map(([group, sum]) => [group, unitVector(Float32Array.from(sum))]));
}

function nearest(embedding: Float32Array, means: ReadonlyMap<number, Float32Array>): number {
  let [best, highest] = [0, -Infinity];
  for (const [group, mean] of means) {
    const similarity = cosine(embedding, mean);
    if (similarity > highest) [best, highest] = [group, similarity];
  }
  return best;
}

const cosine = (a: Float32Array, b: Float32Array): number => dot(a, 0, b, 0, a.length);
