import { statSync } from "node:fs";
import type { AudioSource } from "../types.js";
import { openAudio } from "./open-audio.js";

/** The bytes of a part of a file: a span, a member of an archive, a cell of a table; undefined for a whole file. */
export async function bytesOf(
  source: { path: string } & Partial<AudioSource>,
): Promise<Uint8Array | undefined> {
  const { path, span, offset, cell } = source;
  if (span === undefined && offset === undefined && cell === undefined) return undefined;
  const { size = 0, mtimeMs = statSync(path).mtimeMs } = source;
  const reader = openAudio();
  try {
    return (await reader.read({ ...source, size, mtimeMs })).bytes;
  } finally {
    await reader.close();
  }
}
