import { dirname, relative } from "node:path";
import { compare } from "../util/compare.js";
import { countBy } from "../util/count-by.js";
import { isLocked } from "../util/folder-lock.js";
import { holdsNo } from "../util/holds-no.js";
import { isFailure, type RankLog, readCorpusLists, readExtraction } from "./extraction.js";

/** How far an extraction is. Every file is embedded, failed or left. */
export interface ExtractionStatus {
  total: number;
  embedded: number;
  failed: number;
  left: number;
  /** Shards that have not begun: their files are not counted. */
  absentShards: number[];
  failedByStage: Map<string, number>;
  ranks: RankStatus[];
}

export interface RankStatus {
  /** Below the folder of the extraction: `rank_00`, `shard_00002_of_00004/rank_00`. */
  name: string;
  device: string;
  embedded: number;
  failed: number;
  /** Files a second over the last minutes of its work. */
  rate: number;
  /** When it stored its last file, in milliseconds since 1970; 0 when never. */
  lastAt: number;
  /** Whether the extraction that it belongs to is running: a living process holds its folder. */
  isRunning: boolean;
  damagedBytes: number;
}

/** A rank that has stored nothing for this long counts as silent. */
export const quietMs = 60_000;
/** The rate is that of the last so many milliseconds. */
const windowMs = 300_000;

/**
 * Reads how far an extraction is from its logs, and changes nothing: it may run in another terminal, or on another
 * machine that shares the folder.
 *
 * @throws `missing` when there is no extraction
 *
 * @example
 * const { total, left, failedByStage } = await extractionStatus("embeddings_output")
 */
export async function extractionStatus(folder: string): Promise<ExtractionStatus> {
  const lists = await readCorpusLists(folder);
  if (lists === undefined)
    throw holdsNo(folder, "extraction", "Give a folder that `speakerscope extract` wrote.");
  const { utterances, outcomes, logs } = await readExtraction(folder, lists);
  const parts = new Map<string, boolean>();
  for (const part of new Set(logs.map((log) => dirname(log.folder)))) parts.set(part, await isLocked(part));
  const ranks = new Map(logs.map((log) => [log, rankStatus(folder, log, parts.get(dirname(log.folder))!)]));
  const times = new Map<RankLog, number[]>(logs.map((log) => [log, []]));
  const failures = lists.failures.map(({ stage }) => ({ stage: stage as string }));
  let embedded = 0;
  let left = 0;
  for (const outcome of outcomes) {
    if (outcome === undefined) {
      left++;
      continue;
    }
    const { log, record } = outcome;
    if (isFailure(record.meta)) {
      failures.push({ stage: record.meta.stage });
      ranks.get(log)!.failed++;
    } else {
      embedded++;
      ranks.get(log)!.embedded++;
    }
    if (record.meta.at !== undefined) times.get(log)!.push(record.meta.at);
  }
  for (const [log, rank] of ranks) Object.assign(rank, pace(times.get(log)!));
  return {
    total: utterances.length + lists.failures.length,
    embedded,
    failed: failures.length,
    left,
    absentShards: lists.absent.map(({ index }) => index),
    failedByStage: countBy(failures, ({ stage }) => stage),
    ranks: [...ranks.values()].sort((a, b) => compare(a.name, b.name)),
  };
}

const rankStatus = (
  folder: string,
  { folder: path, device, damagedBytes }: RankLog,
  isRunning: boolean,
): RankStatus => ({
  name: relative(folder, path),
  device: device ?? "unknown",
  embedded: 0,
  failed: 0,
  rate: 0,
  lastAt: 0,
  isRunning,
  damagedBytes,
});

/** Files a second over the last stretch of work: a pause, when the extraction stood still, does not count. */
function pace(times: number[]): Pick<RankStatus, "rate" | "lastAt"> {
  times.sort((a, b) => b - a);
  const lastAt = times[0] ?? 0;
  let count = 1;
  while (
    count < times.length &&
    times[count - 1]! - times[count]! < quietMs &&
    lastAt - times[count]! < windowMs
  )
    count++;
  const span = lastAt - (times[count - 1] ?? 0);
  return { rate: count > 1 && span > 0 ? ((count - 1) * 1000) / span : 0, lastAt };
}
