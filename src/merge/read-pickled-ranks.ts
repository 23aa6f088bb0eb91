import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { conflict, invalid, shown } from "../errors.js";
import type { MergeSource } from "../merged/write-merged.js";
import { quantity } from "../shared/text.js";
import type { EmbeddedUtterance } from "../store/extraction.js";
import { utterancePath } from "../store/individual.js";
import { embeddingEntries, utteranceRow } from "../store/read-embeddings.js";
import { compare } from "../util/compare.js";

/**
 * Reads rank folders of the Python pipeline: pickles alone, without a log. Undefined when there are none.
 *
 * Their keys are names joined by `_`, so different utterances or speakers may share one. Such a clash is an error that names
 * both.
 *
 * @throws `conflict` for two rows with the same key or name, two speakers with the same key, and embeddings of different
 * lengths; `invalid` for a malformed row, NaN or infinity
 */
export async function readPickledRanks(folder: string): Promise<MergeSource | undefined> {
  const names = (await readdir(folder).catch(() => [] as string[]))
    .filter((name) => /^rank_\d+$/.test(name))
    .sort(compare);
  const paths = names
    .map((name) => join(folder, name, "utterance_embeddings.pkl"))
    .filter((path) => existsSync(path));
  if (paths.length === 0) return undefined;
  const check = openChecks(folder);
  const rows: EmbeddedUtterance[] = [];
  for (const path of paths)
    for await (const [key, value] of embeddingEntries(path)) {
      const utterance = utteranceRow(key, value, path);
      const row = {
        ...utterance,
        speakerKey: utterance.speakerId === null ? null : `${utterance.dataset}_${utterance.speakerId}`,
      };
      check(row, path);
      rows.push(row);
    }
  rows.sort((a, b) => compare(a.path, b.path));
  return {
    async *utterances() {
      yield* rows;
    },
    names: () => rows,
    total: rows.length,
    failures: [],
    doubts: [],
    missing: 0,
  };
}

/** Returns a function that throws when a row clashes with an earlier one. */
function openChecks(folder: string): (row: EmbeddedUtterance, pickle: string) => void {
  const keys = new Map<string, string>();
  const places = new Map<string, string>();
  const speakers = new Map<string, { name: string; where: string }>();
  let first: { length: number; where: string } | undefined;
  /** Throws when another row took the name before. */
  const take = (taken: Map<string, string>, what: string, name: string, where: string) => {
    const other = taken.get(name);
    if (other !== undefined)
      throw conflict(
        `${what} ${shown(name)} is both ${other} and ${where}. Take away the one that is out of date.`,
        {
          path: folder,
          got: name,
        },
      );
    taken.set(name, where);
  };
  /** Throws when the key is that of another speaker. */
  const checkSpeaker = (speakerKey: string, name: string, where: string) => {
    const known = speakers.get(speakerKey);
    if (known === undefined) speakers.set(speakerKey, { name, where });
    else if (known.name !== name)
      throw conflict(
        `The speaker key ${shown(speakerKey)} would be that of two speakers, ${known.name} (${known.where}) and ${name} (${where}). Rename one.`,
        { path: folder, got: speakerKey },
      );
  };
  return (row, pickle) => {
    const { key, speakerKey, dataset, speakerId, utteranceId, path, embedding } = row;
    const where = `${path} in ${pickle}`;
    for (const [field, name] of Object.entries({ dataset, speaker_id: speakerId, utterance_id: utteranceId }))
      if (name === "") throw invalid(`${field} of ${shown(key)} in ${pickle} is empty.`, { path: pickle });
    take(keys, "The key", key, where);
    // Throws when the names lead out of the folder.
    take(places, "The name", utterancePath(folder, row), where);
    if (speakerKey !== null) checkSpeaker(speakerKey, JSON.stringify([dataset, speakerId]), where);
    first ??= { length: embedding.length, where };
    if (embedding.length !== first.length)
      throw conflict(
        `The embedding of ${where} has ${quantity(embedding.length, "number")}, that of ${first.where} ${first.length}. They come from different models.`,
        { path: folder, got: embedding.length },
      );
    if (!embedding.every(Number.isFinite))
      throw invalid(`The embedding of ${where} holds NaN or infinity (key ${shown(key)}).`, { path: pickle });
  };
}
