import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { invalid, missing, reasonOf } from "../errors.js";
import type { SpeakerInfo } from "../types.js";

/**
 * Reads speaker_list.json: who the speakers are, without their embeddings.
 *
 * @example
 * const speakers = readSpeakerList("final_embeddings")
 */
export function readSpeakerList(folder: string): SpeakerInfo[] {
  const path = join(folder, "speaker_list.json");
  if (!existsSync(path))
    throw missing("speaker list", "file", { path, want: "what `speakerscope merge` wrote" });
  try {
    const rows = JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>[];
    return rows.map((row) => ({
      key: String(row.key),
      dataset: String(row.dataset),
      speakerId: String(row.speaker_id),
      numUtterances: Number(row.num_utterances),
    }));
  } catch (cause) {
    throw invalid("speaker list", "file", { path, want: `a list of speakers; ${reasonOf(cause)}`, cause });
  }
}
