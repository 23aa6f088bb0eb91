import { existsSync, readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { invalid } from "../errors.js";
import { readPickle } from "../format/pickle.js";
import type { EmbeddedUtterance } from "../store/extraction.js";
import { compare } from "../util/compare.js";
import type { MergeSource } from "./merge.js";

/** The rank folders that the Python pipeline wrote: pickles alone, without a log. Undefined when there are none. */
export async function readPickledRanks(folder: string): Promise<MergeSource | undefined> {
  const names = (await readdir(folder).catch(() => [] as string[]))
    .filter((name) => /^rank_\d+$/.test(name))
    .sort(compare);
  const paths = names
    .map((name) => join(folder, name, "utterance_embeddings.pkl"))
    .filter((path) => existsSync(path));
  if (paths.length === 0) return undefined;
  const byKey = new Map<string, EmbeddedUtterance>();
  for (const path of paths)
    for (const [key, value] of entries(readPickle(readFileSync(path), { path }), path))
      byKey.set(key, toRow(key, value, path));
  const rows = [...byKey.values()].sort((a, b) => compare(a.path, b.path));
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

function entries(value: unknown, path: string): [string, unknown][] {
  if (typeof value !== "object" || value === null)
    throw invalid("pickle", "value", { path, want: "a dict of embeddings" });
  return value instanceof Map ? [...value] : Object.entries(value);
}

function toRow(key: string, value: unknown, path: string): EmbeddedUtterance {
  const {
    embedding,
    dataset,
    speaker_id,
    utterance_id,
    path: audio,
  } = (value ?? {}) as Record<string, unknown>;
  const data = (embedding as { data?: unknown } | undefined)?.data;
  if (
    !(data instanceof Float32Array) ||
    [dataset, speaker_id, utterance_id, audio].some((v) => typeof v !== "string")
  )
    throw invalid("pickle", `entry "${key}"`, {
      path,
      want: "embedding (float32), dataset, speaker_id, utterance_id and path",
    });
  const speakerId = speaker_id as string;
  return {
    key,
    speakerKey: `${dataset}_${speakerId}`,
    dataset: dataset as string,
    speakerId,
    utteranceId: utterance_id as string,
    path: audio as string,
    embedding: data,
  };
}
