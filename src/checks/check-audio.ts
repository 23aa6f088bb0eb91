import { inspectSignal } from "../audio/inspect-signal.js";
import { loadSegments } from "../audio/load-segments.js";
import type { Channel } from "../audio/mixdown.js";
import { openAudio } from "../corpus/open-audio.js";
import type { Model } from "../embed/open-model.js";
import { missing, reasonOf, throwIfAborted } from "../errors.js";
import { quantity } from "../shared/text.js";
import type { Failure, LongTask, Progress, Utterance } from "../types.js";
import type { AudioChecks } from "./audio-checks.js";
import { checksSampleRate } from "./band-frames.js";
import { openSignalChecker } from "./signal-checks.js";
import { type VoiceChange, voiceChange } from "./voice-change.js";

export interface CheckAudioOptions extends LongTask<Extract<Progress, { stage: "checks" }>> {
  /** One channel of a file, or the mean of all, which is the default; an utterance's own counts more. */
  channel?: Channel;
  /** Look for the place where the voice changes too, with this model: dear, and for `severalVoices` of the audit alone. */
  voices?: Model;
}

export interface CheckedAudio {
  checks: AudioChecks[];
  /** Files that could not be read or decoded. */
  failures: Failure[];
}

/** Seconds of audio in memory at a time. */
const pieceSeconds = 200;

/**
 * Reads the audio of a corpus and measures what `audit` needs to know of it: a hash, a sketch, speech, level, clipping, bandwidth,
 * noise. About 3 ms of CPU for a second of audio, most of them for voice activity.
 *
 * An extraction with `checks` does the same while it has the audio in hand; then `readChecks` reads it.
 *
 * @throws `missing` where not one of the files could be read; `interrupted`
 * @example
 * const { checks } = await checkAudio((await scan("data/speech")).utterances);
 * const { findings } = await audit(utterances, { checks });
 */
export async function checkAudio(
  utterances: readonly Utterance[],
  { channel = "mean", voices, onProgress, abortSignal }: CheckAudioOptions = {},
): Promise<CheckedAudio> {
  const checks: AudioChecks[] = [];
  const failures: Failure[] = [];
  const reader = openAudio();
  const total = utterances.length;
  try {
    for (const utterance of utterances) {
      throwIfAborted("The check of the audio", abortSignal);
      const { key, path, dataset, speakerId, utteranceId } = utterance;
      let stage: Failure["stage"] = "read";
      try {
        const { bytes } = await reader.read(utterance);
        stage = "decode";
        checks.push({
          key,
          path,
          ...(await checksOf(bytes, { channel: utterance.channel ?? channel, voices, abortSignal })),
        });
      } catch (error) {
        throwIfAborted("The check of the audio", abortSignal);
        failures.push({ path, dataset, speakerId, utteranceId, stage, reason: reasonOf(error) });
      }
      onProgress?.({
        stage: "checks",
        done: checks.length + failures.length,
        failed: failures.length,
        total,
      });
    }
  } finally {
    await reader.close();
  }
  if (total > 0 && checks.length === 0)
    throw missing(
      `None of the ${quantity(total, "file")} could be read. The first, ${failures[0].path}: ${failures[0].reason}`,
      { path: failures[0].path },
    );
  return { checks, failures };
}

/** Measures the audio of a file; why there is nothing to embed in it, where that is so of all of it. */
async function checksOf(
  bytes: Uint8Array,
  { channel, voices, abortSignal }: { channel: Channel } & Pick<CheckAudioOptions, "voices" | "abortSignal">,
) {
  const checker = openSignalChecker();
  let reason: string | undefined;
  let change: { voiceChange?: VoiceChange | null } | undefined;
  const options = { seconds: pieceSeconds, sampleRate: checksSampleRate, channel };
  for await (const { samples } of loadSegments(bytes, options)) {
    throwIfAborted("The check of the audio", abortSignal);
    const { failure } = inspectSignal(samples, checksSampleRate);
    reason ??= failure;
    if (failure !== undefined) continue;
    change ??= voices === undefined ? {} : { voiceChange: await voiceChange(samples, voices) };
    await checker.add(samples);
  }
  return change === undefined ? { failure: reason! } : { ...(await checker.end()), ...change };
}
