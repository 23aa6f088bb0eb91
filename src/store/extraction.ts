import { hash } from "node:crypto";
import { existsSync, statSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { AudioChecks } from "../checks/audio-checks.js";
import type { SignalChecks } from "../checks/signal-checks.js";
import { sharedNames } from "../corpus/shared-names.js";
import { conflict, invalid, shown } from "../errors.js";
import { isObject } from "../format/read-json.js";
import type { Doubt, Failure, Utterance, UtteranceEmbedding } from "../types.js";
import { compare } from "../util/compare.js";
import { jsonLines, readJsonLines } from "../util/json-lines.js";
import { writeFile } from "../util/write-file.js";
import { type LogRecord, openVectorReader, scanLog, type VectorReader } from "./record-log.js";

/*
 * What an extraction leaves in its folder, and nothing else reads or writes:
 *
 *   corpus.jsonl             what to embed, by what its audio is known by: a header line, then an utterance or a scan
 *                            failure on every line
 *   segments.log             where speech was found in each recording, if recordings are cut into segments
 *   rank_NN/embeddings.log   what rank NN did: an identity record, then a record for each file, embedded or failed
 *
 * The log is the truth; the pickles and lists beside it are made from it. An extraction that is spread over machines
 * has a folder of this kind for every shard, shard_IIIII_of_NNNNN; each shard writes in its own alone and reads the logs
 * of all, so that a file that any shard or an earlier run did is not done again.
 */

/** One of several equal parts of a corpus; 0-based. */
export interface Shard {
  index: number;
  count: number;
}

/** What distinguishes one extraction from another: only equal ones may share a folder. */
export type ExtractionIdentity = Record<string, unknown>;

/** The record of an embedded file; the vector follows it. */
export interface StoredEmbedding {
  file: string;
  size: number;
  mtimeMs: number;
  /** Duration of the audio. */
  seconds: number;
  /** When it was stored, in milliseconds since 1970; logs of version 0.1 leave it out here and there. */
  at?: number;
  doubts?: Pick<Doubt, "warning" | "detail">[];
  /** What was measured of the audio; the bytes of the sketch lie behind the embedding. */
  checks?: Omit<SignalChecks, "sketch"> & { sketchBytes: number };
}

/** The record of a file that failed. */
export interface StoredFailure {
  file: string;
  size: number;
  mtimeMs: number;
  stage: Failure["stage"];
  reason: string;
  /** Whether the file's content is the cause, so that another try would end the same way; logs of version 0.1 lack it. */
  decided?: boolean;
  at?: number;
}

export type Stored = StoredEmbedding | StoredFailure;

/** The first record of a log. */
export interface StoredIdentity {
  identity: ExtractionIdentity;
  /** The device that the rank ran on: `cpu`, `cuda:0`. */
  device: string;
}

/** The log of one rank. */
export interface RankLog {
  rank: number;
  folder: string;
  path: string;
  identity: ExtractionIdentity | undefined;
  device: string | undefined;
  /** Where the next record goes. */
  end: number;
  damagedBytes: number;
}

/** The record of an utterance of the corpus list, and the log that holds it. */
export interface Outcome {
  log: RankLog;
  record: LogRecord<Stored>;
  /** When it was stored; where the record does not say, when the record before it was. */
  at: number;
}

export interface CorpusList {
  root: string;
  utterances: Utterance[];
  failures: Failure[];
}

/** The state of an extraction's folder: a corpus list, and beside each utterance what became of it. */
export interface Extraction extends CorpusList {
  folder: string;
  logs: RankLog[];
  /** Beside `utterances`; undefined where nothing is known yet, or the file has changed since. */
  outcomes: (Outcome | undefined)[];
}

export const isFailure = (stored: Stored): stored is StoredFailure => "reason" in stored;

/** Whether another try of a file that failed would end the same way. */
export const isDecided = ({
  stage,
  decided = stage === "decode" || stage === "signal",
}: StoredFailure): boolean => decided;

/** A success supersedes a failure; otherwise the newer outcome supersedes the older. */
function supersedes(next: Outcome, known: Outcome | undefined): boolean {
  if (known === undefined) return true;
  const failed = isFailure(next.record.meta);
  return failed === isFailure(known.record.meta) ? next.at >= known.at : !failed;
}

export const rankFolder = (folder: string, rank: number): string =>
  join(folder, `rank_${String(rank).padStart(2, "0")}`);

export const rankLogPath = (folder: string, rank: number): string =>
  join(rankFolder(folder, rank), "embeddings.log");

/** Where a shard keeps its corpus list and rank folders; the extraction's own folder when there is no shard. */
export const partFolder = (folder: string, shard?: Shard): string =>
  shard === undefined ? folder : join(folder, `shard_${pad(shard.index)}_of_${pad(shard.count)}`);

/** More parts than any cluster runs; lists of shards are held in memory. */
const maxShards = 100_000;

export const isShard = ({ index, count }: Shard): boolean =>
  Number.isInteger(count) &&
  count > 0 &&
  count <= maxShards &&
  Number.isInteger(index) &&
  index >= 0 &&
  index < count;

/**
 * The shard of a corpus, of so many, that a file belongs to: its path below the root decides alone, so that machines
 * which scan for themselves agree, also when files come and go between their scans.
 *
 * The first 32 bits of the path's SHA-256, as a fraction of 2^32, times the number of shards.
 */
export const shardOfFile = (file: string, count: number): number =>
  Math.floor((hash("sha256", file, "buffer").readUInt32BE(0) / 2 ** 32) * count);

/** What the recording is known by that a span is cut from. */
export const recordingOf = (file: string): string => file.replace(/#[^#]*$/, "");

const pad = (number: number) => String(number).padStart(5, "0");

/** The name of the log of segments in the folder of a part. */
export const segmentsLog = "segments.log";

const corpusPath = (folder: string): string => join(folder, "corpus.jsonl");

export async function writeCorpusList(
  folder: string,
  { root, utterances, failures }: CorpusList,
  shard?: Shard,
): Promise<void> {
  function* rows(): Generator<unknown> {
    yield { root, ...(shard === undefined ? {} : { shard }) };
    // In a folder the path is the root and the file, so it is left out: it would be a third of a long list.
    const prefix = join(root, "_").slice(0, -1);
    for (const { path, ...utterance } of utterances)
      yield path === prefix + utterance.file ? utterance : { ...utterance, path };
    for (const failure of failures) yield failure;
  }
  await writeFile(corpusPath(folder), jsonLines(rows()));
}

/** Reads the corpus list of one part. */
async function readCorpusList(folder: string): Promise<CorpusList & { shard?: Shard }> {
  let root: string | undefined;
  let shard: Shard | undefined;
  let prefix = "";
  const utterances: Utterance[] = [];
  const failures: Failure[] = [];
  const shared = sharedNames();
  for await (const row of readJsonLines<Record<string, unknown>>(corpusPath(folder))) {
    if (root === undefined) {
      if (typeof row.root !== "string")
        throw invalid(
          `Line 1 of ${corpusPath(folder)} does not name the root of the corpus. Run extract again with --overwrite.`,
          { path: corpusPath(folder), got: row },
        );
      root = row.root;
      shard = row.shard as Shard | undefined;
      prefix = join(root, "_").slice(0, -1);
    } else if ("reason" in row) failures.push(row as unknown as Failure);
    else {
      const utterance = row as unknown as Omit<Utterance, "path"> & { path?: string };
      const { dataset, speakerId, speakerKey, file, path } = utterance;
      utterances.push({
        ...utterance,
        dataset: shared(dataset),
        speakerId: speakerId === null ? null : shared(speakerId),
        speakerKey: speakerKey === null ? null : shared(speakerKey),
        path: path === undefined ? prefix + file : shared(path),
      });
    }
  }
  return { root: root ?? "", utterances, failures, ...(shard === undefined ? {} : { shard }) };
}

/**
 * Reads the corpus lists of all parts as one, and says which shards have not begun; undefined when there is no list.
 *
 * When runs with different numbers of shards followed each other, the lists of the latest count: theirs are the files
 * that the corpus has now.
 */
export async function readCorpusLists(
  folder: string,
): Promise<(CorpusList & { absent: Shard[] }) | undefined> {
  const listed = (await parts(folder)).filter((part) => existsSync(corpusPath(part.folder)));
  const latest = listed.toSorted(
    (a, b) => statSync(corpusPath(b.folder)).mtimeMs - statSync(corpusPath(a.folder)).mtimeMs,
  )[0];
  if (latest === undefined) return undefined;
  const count = latest.shard?.count;
  const group: { index: number | undefined; list: Awaited<ReturnType<typeof readCorpusList>> }[] = [];
  for (const part of listed)
    if (part.shard?.count === count)
      group.push({ index: part.shard?.index, list: await readCorpusList(part.folder) });
  // Version 0.1 cut the corpus by position and did not name the shard in its list: such parts do not fit the others.
  const named = group.filter(({ list }) => list.shard !== undefined);
  const fitting = named.length > 0 ? named : group;
  const lists = fitting.map(({ list }) => list);
  const begun = new Set(fitting.map(({ index }) => index));
  const absent = Array.from({ length: count ?? 0 }, (_, index) => ({ index, count: count! })).filter(
    ({ index }) => !begun.has(index),
  );
  const utterances = lists.flatMap((list) => list.utterances).sort((a, b) => compare(a.file, b.file));
  if (lists.length > 1) checkKeys(utterances);
  return {
    root: lists[0]!.root,
    utterances,
    failures: lists.flatMap(({ failures }) => failures).sort((a, b) => compare(a.path, b.path)),
    absent,
  };
}

/** Shards that scanned at different times may have named files differently, with `--on_collision suffix`. */
function checkKeys(utterances: readonly Utterance[]): void {
  const paths = new Map<string, string>();
  for (const { key, path } of utterances) {
    const other = paths.get(key);
    if (other !== undefined)
      throw conflict(
        `Two files have the key "${key}": ${other} and ${path}. One of them came while the shards ran; run the shards again.`,
        { got: [other, path] },
      );
    paths.set(key, path);
  }
}

/** Reads what the ranks of all parts logged, and puts it beside the utterances of a corpus list. */
export async function readExtraction(folder: string, corpus: CorpusList): Promise<Extraction> {
  const { utterances } = corpus;
  const logs: RankLog[] = [];
  const outcomes: (Outcome | undefined)[] = new Array(utterances.length).fill(undefined);
  const indices = new Map(utterances.map(({ file }, index) => [file, index]));
  for (const { part, rank } of await rankFolders(folder)) {
    const path = rankLogPath(part, rank);
    if (!existsSync(path)) continue;
    const begin = { identity: undefined, device: undefined, end: 0, damagedBytes: 0 };
    const log: RankLog = { rank, folder: rankFolder(part, rank), path, ...begin };
    logs.push(log);
    let at = 0;
    const { end, damagedBytes } = await scanLog<Stored | StoredIdentity>(path, (record) => {
      const { meta } = record;
      if ("identity" in meta) {
        log.identity = meta.identity;
        log.device = meta.device;
        return;
      }
      at = meta.at ?? at;
      const index = indices.get(meta.file);
      if (index === undefined) return;
      const { file, size, mtimeMs } = utterances[index]!;
      if (meta.size !== size || meta.mtimeMs !== mtimeMs) return;
      // Share the list's own string, because a second million of them would double the memory.
      meta.file = file;
      const outcome = { log, record: record as LogRecord<Stored>, at };
      if (supersedes(outcome, outcomes[index])) outcomes[index] = outcome;
    });
    log.end = end;
    log.damagedBytes = damagedBytes;
  }
  return { ...corpus, folder, logs, outcomes };
}

/** Throws `conflict` when a folder holds embeddings that were made another way. */
export function checkIdentity(extraction: Extraction, identity: ExtractionIdentity): void {
  for (const log of extraction.logs) {
    if (log.identity === undefined || sameJson(log.identity, identity)) continue;
    const differing = [...new Set([...Object.keys(log.identity), ...Object.keys(identity)])].filter(
      (key) => !sameJson(log.identity![key], identity[key]),
    );
    throw conflict(
      `${log.folder} holds embeddings made another way: ${differencesOf(log.identity, identity).join("; ")}. Take another --output_dir, or throw them away with --overwrite.`,
      { path: log.folder, got: Object.fromEntries(differing.map((key) => [key, identity[key]])) },
    );
  }
}

/** The values that differ, each by its path such as model.name; at most three of them. */
export function differencesOf(
  was: object,
  is: object,
  say = (was: string, is: string) => `was ${was} and is now ${is}`,
): string[] {
  const leaves = function* (a: unknown, b: unknown, path: string): Generator<string> {
    if (sameJson(a, b)) return;
    if (!isObject(a) || !isObject(b)) yield `${path} ${say(shown(a), shown(b))}`;
    else
      for (const key of new Set([...Object.keys(a), ...Object.keys(b)]))
        yield* leaves(a[key], b[key], path === "" ? key : `${path}.${key}`);
  };
  const values = [...leaves(was, is, "")];
  // A checksum says little to people where something else differs too.
  const telling = values.filter((text) => !text.startsWith("sha256 "));
  const all = telling.length > 0 ? telling : values;
  return all.length > 3 ? [...all.slice(0, 3), `${all.length - 3} more values differ`] : all;
}

/** The failures of an extraction, those of the scan among them, sorted by path. */
export function failuresOf({ utterances, outcomes, failures }: Extraction): Failure[] {
  const rows = [...failures];
  outcomes.forEach((outcome, index) => {
    const stored = outcome?.record.meta;
    if (stored === undefined || !isFailure(stored)) return;
    const { path, dataset, speakerId, utteranceId } = utterances[index]!;
    rows.push({ path, dataset, speakerId, utteranceId, stage: stored.stage, reason: stored.reason });
  });
  return rows.sort((a, b) => compare(a.path, b.path));
}

/** The utterances that were embedded although something about them is doubtful, sorted by path. */
export function doubtsOf({ utterances, outcomes }: Extraction): Doubt[] {
  return outcomes.flatMap((outcome, index) => {
    const stored = outcome?.record.meta;
    if (stored === undefined || isFailure(stored)) return [];
    const { path, dataset, speakerId, utteranceId } = utterances[index]!;
    return (stored.doubts ?? []).map((doubt) => ({ path, dataset, speakerId, utteranceId, ...doubt }));
  });
}

/** The extraction's own folder, and those of its shards in order. */
async function parts(folder: string): Promise<{ folder: string; shard?: Shard }[]> {
  const names = await readdir(folder).catch(() => [] as string[]);
  const shards = names.flatMap((name) => {
    const [, index, count] = /^shard_(\d+)_of_(\d+)$/.exec(name) ?? [];
    const shard = { index: Number(index), count: Number(count) };
    // A folder that only looks like one of ours, say shard_0_of_50000000, is none.
    return isShard(shard) && partFolder(folder, shard) === join(folder, name)
      ? { folder: join(folder, name), shard }
      : [];
  });
  return [{ folder }, ...shards.sort((a, b) => compare(a.folder, b.folder))];
}

async function rankFolders(folder: string): Promise<{ part: string; rank: number }[]> {
  const found: { part: string; rank: number }[] = [];
  for (const { folder: part } of await parts(folder)) {
    const names = await readdir(part).catch(() => [] as string[]);
    const ranks = names.flatMap((name) => /^rank_(\d+)$/.exec(name)?.[1] ?? []).map(Number);
    found.push(...ranks.sort((a, b) => a - b).map((rank) => ({ part, rank })));
  }
  return found;
}

/** Whether two values are the same as JSON, in which the order of keys does not count. */
const sameJson = (a: unknown, b: unknown): boolean => isDeepStrictEqual(asJson(a), asJson(b));

const asJson = (value: unknown): unknown => JSON.parse(JSON.stringify({ value }));

/** An utterance with its embedding and the key of its speaker. */
export interface EmbeddedUtterance extends UtteranceEmbedding {
  /** Null where the speaker is unknown. */
  speakerKey: string | null;
}

/** The utterances of an extraction that are embedded, in path order, without their embeddings; `seconds` is how long they are. */
export function* embeddedNames({
  utterances,
  outcomes,
}: Pick<Extraction, "utterances" | "outcomes">): Generator<Utterance> {
  for (const [index, outcome] of outcomes.entries())
    if (outcome !== undefined && !isFailure(outcome.record.meta))
      yield { ...utterances[index]!, seconds: outcome.record.meta.seconds };
}

/** The embedded utterances of an extraction in path order, of all ranks or of one. */
export async function* embeddedUtterances(
  { utterances, outcomes, logs }: Pick<Extraction, "utterances" | "outcomes" | "logs">,
  only?: RankLog,
): AsyncGenerator<EmbeddedUtterance> {
  for await (const { index, record, reader } of stored(outcomes, only === undefined ? logs : [only])) {
    const { meta, vectorOffset, vectorLength } = record;
    if (isFailure(meta)) continue;
    const { key, speakerKey, dataset, speakerId, utteranceId, path } = utterances[index]!;
    const embedding = await reader.read(vectorOffset, vectorLength - wordsOfSketch(meta));
    yield { key, speakerKey, dataset, speakerId, utteranceId, path, embedding };
  }
}

/** The records of some logs, in path order, and what reads their vectors. */
async function* stored(outcomes: Extraction["outcomes"], logs: readonly RankLog[]) {
  const readers = new Map<RankLog, VectorReader>();
  try {
    for (const log of logs) readers.set(log, await openVectorReader(log.path));
    for (const [index, outcome] of outcomes.entries()) {
      const reader = outcome && readers.get(outcome.log);
      if (reader !== undefined) yield { index, record: outcome!.record, reader };
    }
  } finally {
    for (const reader of readers.values()) await reader.close();
  }
}

/** The vector of a record that holds an embedding and the bytes of a sketch: numbers of four bytes each, the last filled up with zeros. */
export function withSketch(embedding: Float32Array, sketch: Uint8Array): Float32Array {
  const vector = new Float32Array(embedding.length + wordsOf(sketch.length));
  vector.set(embedding);
  new Uint8Array(vector.buffer).set(sketch, embedding.byteLength);
  return vector;
}

const wordsOf = (bytes: number): number => Math.ceil(bytes / 4);

const wordsOfSketch = (stored: Stored): number =>
  isFailure(stored) ? 0 : wordsOf(stored.checks?.sketchBytes ?? 0);

/** Whether the audio was measured as it was embedded. */
export const hasChecks = ({ outcomes }: Pick<Extraction, "outcomes">): boolean =>
  outcomes.some((outcome) => {
    const stored = outcome?.record.meta;
    return stored !== undefined && !isFailure(stored) && stored.checks !== undefined;
  });

/** What was measured of the audio, in path order; of files in which there is nothing to embed, why. */
export async function* audioChecks({
  utterances,
  outcomes,
  logs,
}: Pick<Extraction, "utterances" | "outcomes" | "logs">): AsyncGenerator<AudioChecks> {
  for await (const { index, record, reader } of stored(outcomes, logs)) {
    const { key, path } = utterances[index]!;
    const { meta, vectorOffset, vectorLength } = record;
    if (isFailure(meta)) {
      if (meta.stage === "signal") yield { key, path, failure: meta.reason };
      continue;
    }
    if (meta.checks === undefined) continue;
    const { sketchBytes, ...checks } = meta.checks;
    const words = wordsOfSketch(meta);
    const vector = await reader.read(vectorOffset + 4 * (vectorLength - words), words);
    yield { key, path, ...checks, sketch: new Uint8Array(vector.buffer).slice(0, sketchBytes) };
  }
}
