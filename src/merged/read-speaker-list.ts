import { existsSync } from "node:fs";
import { join } from "node:path";
import { invalid, missing, shown } from "../errors.js";
import { readJsonRows } from "../format/read-json.js";
import type { SpeakerInfo } from "../types.js";
import { mergedFiles } from "./files.js";

/**
 * Reads speaker_list.json: who the speakers are, without their embeddings.
 *
 * @throws `missing` when there is no such file, `invalid` when a row does not describe a speaker
 *
 * @example
 * const speakers = readSpeakerList("final_embeddings")
 */
export function readSpeakerList(folder: string): SpeakerInfo[] {
  const path = join(folder, mergedFiles.speakerList);
  if (!existsSync(path)) throw missing(`${path} does not exist. \`speakerscope merge\` writes it.`, { path });
  return readJsonRows(path, "The speaker list").map(({ key, dataset, speaker_id, num_utterances }, index) => {
    const wrong = (name: string, value: unknown) =>
      invalid(
        `Row ${index + 1} of ${path} has ${value === undefined ? "no" : shown(value)} ${value === undefined ? name : `as ${name}`}.`,
        {
          path,
          got: value,
        },
      );
    const text = (name: string, value: unknown): string => {
      if (typeof value !== "string") throw wrong(name, value);
      return value;
    };
    if (typeof num_utterances !== "number" || !Number.isSafeInteger(num_utterances) || num_utterances < 0)
      throw wrong("num_utterances", num_utterances);
    return {
      key: text("key", key),
      dataset: text("dataset", dataset),
      speakerId: text("speaker_id", speaker_id),
      numUtterances: num_utterances,
    };
  });
}
