import { invalid } from "../errors.js";
import { vadSampleRate, vadWindow } from "./speech-probabilities.js";

/** How probabilities become segments; the defaults are silero-vad's. */
export interface SpeechOptions {
  /** A window of at least this probability is speech; 0.5. */
  threshold?: number;
  /** Below this a segment ends; in between it goes on as it was. Threshold - 0.15 by default, but at least 0.01. */
  endThreshold?: number;
  /** Segments that are not longer are left out; 250. */
  minSpeechMs?: number;
  /** Shorter pauses do not end a segment; 100. */
  minSilenceMs?: number;
  /** Segments are extended by so much on both sides; 30. */
  padMs?: number;
  /** Longer segments are cut, at a pause if there is one; infinite. */
  maxSpeechSeconds?: number;
  /** A long segment is cut only at pauses longer than this; 98. */
  minCutSilenceMs?: number;
  /** A long segment is cut at its `longest` pause, or its `last`. */
  cutAt?: "longest" | "last";
}

export const speechDefaults: Required<Omit<SpeechOptions, "endThreshold">> = {
  threshold: 0.5,
  minSpeechMs: 250,
  minSilenceMs: 100,
  padMs: 30,
  maxSpeechSeconds: Number.POSITIVE_INFINITY,
  minCutSilenceMs: 98,
  cutAt: "longest",
};

/** Samples at 16 kHz, the end exclusive. */
export interface Run {
  start: number;
  end: number;
}

/**
 * Finds the runs of speech in probabilities, one for each window of 512 samples at 16 kHz.
 *
 * Source: `get_speech_timestamps_from_probs` of silero-vad 6.2.3, with its options under names of this package.
 *
 * @param length of the recording in samples
 * @throws `invalid` naming the option that cannot be
 */
export function speechRuns(probabilities: Float32Array, length: number, options: SpeechOptions = {}): Run[] {
  const settings = { ...speechDefaults, ...options };
  check(settings);
  return padded(
    unpadded(probabilities, length, settings),
    length,
    Math.round((settings.padMs * vadSampleRate) / 1000),
  );
}

function unpadded(
  probabilities: Float32Array,
  length: number,
  settings: typeof speechDefaults & SpeechOptions,
): Run[] {
  const { threshold, endThreshold = Math.max(threshold - 0.15, 0.01), cutAt } = settings;
  const samples = (ms: number) => (ms * vadSampleRate) / 1000;
  const minSpeech = samples(settings.minSpeechMs);
  const minSilence = samples(settings.minSilenceMs);
  const minCutSilence = samples(settings.minCutSilenceMs);
  const maxSpeech = samples(1000 * settings.maxSpeechSeconds) - vadWindow - 2 * samples(settings.padMs);
  const runs: Run[] = [];
  /** Where the open run began. */
  let start: number | undefined;
  /** Where the pause that may end it began. */
  let pause: number | undefined;
  /** The pauses within it that are long enough for a cut; the last one has no end while it lasts. */
  let pauses: { start: number; end?: number }[] = [];
  const close = (end: number, next?: number) => {
    runs.push({ start: start!, end });
    start = next;
    pause = undefined;
    pauses = [];
  };

  probabilities.forEach((probability, window) => {
    const at = window * vadWindow;
    const isSpeech = probability >= threshold;
    if (isSpeech && pause !== undefined) {
      const last = pauses.at(-1);
      if (last?.start === pause) last.end = at;
      else if (cutAt === "longest" && at - pause > minCutSilence) pauses.push({ start: pause, end: at });
      pause = undefined;
    }
    if (isSpeech && start === undefined) {
      start = at;
      return;
    }
    if (start !== undefined && at - start > maxSpeech) {
      if (pauses.length === 0) {
        close(at);
        return;
      }
      const cut = cutAt === "last" ? pauses.at(-1)! : longest(pauses);
      close(cut.start, cut.end);
    }
    if (start === undefined || probability >= endThreshold) return;
    pause ??= at;
    if (cutAt === "last" && at - pause > minCutSilence && pauses.at(-1)?.start !== pause)
      pauses.push({ start: pause });
    if (at - pause < minSilence) return;
    if (pause - start > minSpeech) close(pause);
    else {
      start = undefined;
      pause = undefined;
      pauses = [];
    }
  });
  if (start !== undefined && length - start > minSpeech) close(length);
  return runs;
}

/** The first of those that are equally long. */
const longest = (pauses: readonly { start: number; end?: number }[]) =>
  pauses.reduce((best, pause) => (pause.end! - pause.start > best.end! - best.start ? pause : best));

/** Extends runs on both sides; where two are too close for that, each gets half of the pause. */
function padded(runs: readonly Run[], length: number, pad: number): Run[] {
  const half = (i: number) => {
    const silence = runs[i + 1]!.start - runs[i]!.end;
    return silence < 2 * pad ? Math.floor(silence / 2) : pad;
  };
  return runs.map(({ start, end }, i) => ({
    start: Math.max(0, start - (i === 0 ? pad : half(i - 1))),
    end: Math.min(length, end + (i === runs.length - 1 ? pad : half(i))),
  }));
}

function check(settings: typeof speechDefaults & SpeechOptions): void {
  const demand = (name: keyof SpeechOptions, valid: boolean, want: string) => {
    const got = settings[name];
    if (!valid) throw invalid(`${name} is ${got}. It must be ${want}.`, { got });
  };
  const { threshold, endThreshold, maxSpeechSeconds, padMs, cutAt } = settings;
  const isShare = (value: number) => value > 0 && value < 1;
  demand("threshold", isShare(threshold), "between 0 and 1");
  demand("endThreshold", endThreshold === undefined || isShare(endThreshold), "between 0 and 1");
  for (const name of ["minSpeechMs", "minSilenceMs", "padMs", "minCutSilenceMs"] as const)
    demand(name, Number.isFinite(settings[name]) && settings[name] >= 0, "a number of milliseconds from 0");
  demand(
    "maxSpeechSeconds",
    maxSpeechSeconds * 1000 > 2 * padMs + 64,
    `more than ${(2 * padMs + 64) / 1000}, which is two paddings and two windows`,
  );
  demand("cutAt", cutAt === "longest" || cutAt === "last", '"longest" or "last"');
}
