import { type Audio, type LoadOptions, loadAudio } from "../audio/load-audio.js";
import type { AudioSource } from "../types.js";
import { bytesOf } from "./bytes-of.js";

/**
 * Loads the audio of an utterance as `loadAudio` does that of a file, wherever it is: a file, a span of a recording, a member
 * of an archive, a cell of a Parquet file.
 *
 * @throws what `loadAudio` throws; `invalid` for a span that is not in the recording
 * @example
 * const path = "data/speech/test-other/533/533-1066-0000.flac";
 * const { samples } = await loadUtterance({ path, span: { start: 0.5, end: 2.5 } });
 */
export async function loadUtterance(
  source: { path: string } & Partial<AudioSource>,
  options: LoadOptions = {},
): Promise<Audio> {
  const bytes = await bytesOf(source);
  return loadAudio(bytes ?? source.path, { channel: source.channel, ...options });
}
