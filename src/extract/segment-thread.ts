import { parentPort } from "node:worker_threads";
import { loadSegments } from "../audio/load-segments.js";
import type { Channel } from "../audio/mixdown.js";
import { openAudio } from "../corpus/open-audio.js";
import { threadData } from "../runtime/threads.js";
import type { AudioSource } from "../types.js";
import { cutSpeech } from "../vad/cut-speech.js";
import { vadSampleRate } from "../vad/speech-probabilities.js";
import { speechSegments } from "../vad/speech-segments.js";
import { readBytes } from "./embed-file.js";
import { type Refusal, refusal } from "./fault.js";

/*
 * A thread that looks for speech in one utterance at a time: a recording (mostly all of it) or a span of one.
 */

/** What a thread is started with. */
export interface SegmentThreadSettings {
  channel: Channel;
  /** How long segments should be. */
  seconds: number;
}

/** The segments of a recording. */
export interface FoundSegments {
  /** Start and end in seconds from the start of the recording. */
  segments: [start: number, end: number][];
  /** Seconds of speech, and of all. */
  speech: number;
  of: number;
}

export type SegmentRequest = AudioSource | "stop";

/** A fault of the machine, not of the audio, travels with its class, its message and its fields. */
export type SegmentAnswer = { found: FoundSegments | Refusal } | { fault: Error; fields: object };

/** Seconds of audio that are decoded at a time. */
const pieceSeconds = 60;

const { channel, seconds } = threadData<SegmentThreadSettings>();
const reader = openAudio();
const stopping = new AbortController();

parentPort!.on("message", async (request: SegmentRequest) => {
  if (request === "stop") return stopping.abort();
  try {
    answer({ found: await find(request) });
  } catch (error) {
    answer({ fault: error as Error, fields: { ...(error as Error), cause: undefined } });
  }
});

function answer(message: SegmentAnswer): void {
  parentPort!.postMessage(message);
}

async function find(source: AudioSource): Promise<FoundSegments | Refusal> {
  const read = await readBytes(reader, source);
  if ("stage" in read) return read;
  const abortSignal = stopping.signal;
  const options = { seconds: pieceSeconds, sampleRate: vadSampleRate, channel: source.channel ?? channel };
  let samples = 0;
  const decoded = async function* () {
    for await (const piece of loadSegments(read.bytes, options)) {
      samples += piece.samples.length;
      yield piece.samples;
    }
  };
  try {
    const runs = await speechSegments(decoded(), { abortSignal });
    const from = source.span?.start ?? 0;
    const place = (time: number) => Math.round((from + time) * 1000) / 1000;
    return {
      segments: cutSpeech(runs, seconds).map(({ start, end }) => [place(start), place(end)]),
      speech: runs.reduce((sum, { start, end }) => sum + end - start, 0),
      of: samples / vadSampleRate,
    };
  } catch (error) {
    if (abortSignal.aborted) throw error;
    return refusal("decode", error);
  }
}
