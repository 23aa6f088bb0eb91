import type { SignalChecks } from "./signal-checks.js";
import type { VoiceChange } from "./voice-change.js";

/** What was measured of the audio of an utterance, or why there is nothing to embed in it. */
export type AudioChecks = {
  /** The key of the utterance. */
  key: string;
  path: string;
} & (
  | (SignalChecks & {
      /** Where the voice changes most; only where it was asked for, and null where there is too little speech. */
      voiceChange?: VoiceChange | null;
    })
  | { failure: string }
);

/** An utterance whose audio could be measured. */
export type MeasuredChecks = Extract<AudioChecks, SignalChecks>;

export const isMeasured = (checks: AudioChecks): checks is MeasuredChecks => !("failure" in checks);
