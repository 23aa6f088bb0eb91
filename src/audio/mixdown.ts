import { invalid, shown } from "../errors.js";
import type { Block } from "./codecs.js";

/** The mean of all channels, or one of them by its number from 0. */
export type Channel = "mean" | number;

/** Refuses a channel that the file does not have. */
export function checkChannel(channel: Channel, channels: number, path?: string): void {
  if (channel === "mean" || (Number.isInteger(channel) && channel >= 0 && channel < channels)) return;
  const range = channels === 1 ? "only channel 0" : `channels 0 to ${channels - 1}`;
  throw invalid(
    `There is no channel ${shown(channel)}: the audio has ${range}. Pass one of them, or "mean".`,
    { got: channel, path },
  );
}

/**
 * One channel out of several.
 *
 * The mean loses nothing that is on one side only, but halves it; voices in opposite phase cancel each other.
 *
 * @param planes one Float32Array (frames) for each channel
 * @returns Float32Array (frames); for a single channel the very array
 * @throws `invalid` when there is no such channel
 */
export function mixdown(planes: Block, channel: Channel = "mean"): Float32Array {
  checkChannel(channel, planes.length);
  if (channel !== "mean" || planes.length === 1) return planes[channel === "mean" ? 0 : channel];
  const mono = new Float32Array(planes[0].length);
  for (let i = 0; i < mono.length; i++) {
    let sum = 0;
    for (const plane of planes) sum += plane[i];
    mono[i] = sum / planes.length;
  }
  return mono;
}
