import { existsSync } from "node:fs";
import { reasonOf } from "../errors.js";
import { clipSound } from "../listen/clip-sound.js";
import type { ReviewUtterance } from "./item.js";
import { spectrogram } from "./spectrogram.js";

/** What the desk hears and sees of a recording, or why there is nothing. */
export type ReviewClip =
  | { type: string; sound: Uint8Array; picture?: Uint8Array; seconds: number; played: number }
  | { problem: string };

/** Longer recordings are cut; larger files too. */
const maxSeconds = 12;
const maxBytes = 400_000;

export async function reviewClip(utterance: ReviewUtterance | undefined): Promise<ReviewClip> {
  if (utterance?.path === undefined) return { problem: "it is not known where this recording is" };
  if (!existsSync(utterance.path)) return { problem: `${utterance.path} is not there` };
  try {
    const sound = await clipSound({ ...utterance, path: utterance.path }, { maxSeconds, maxBytes });
    const { type, bytes, seconds, playedSeconds, signal } = sound;
    return { type, sound: bytes, picture: spectrogram(signal), seconds, played: playedSeconds };
  } catch (error) {
    return { problem: `cannot be played: ${reasonOf(error)}` };
  }
}
