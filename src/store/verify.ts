import { existsSync, readFileSync } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join, relative } from "node:path";
import { missing, reasonOf, throwIfAborted } from "../errors.js";
import type { SpeakerEmbedding, UtteranceEmbedding } from "../types.js";
import { inside } from "../util/inside.js";
import { readJsonLines } from "../util/json-lines.js";
import {
  checkIdentity,
  type EmbeddedUtterance,
  type Extraction,
  embeddedUtterances,
  type RankLog,
  readCorpusLists,
  readExtraction,
} from "./extraction.js";
import { speakerPath, utterancePath } from "./individual.js";
import { readEmbeddings, readIndividual } from "./read-embeddings.js";
import { speakerMeans } from "./speaker-means.js";

export interface Verification {
  kind: "extraction" | "merged embeddings";
  /** What was looked at: `records`, `individual files`, ... and how many. */
  checked: Record<string, number>;
  /** What is wrong, a line each; empty when all is well. */
  problems: string[];
}

export interface VerifyOptions {
  abortSignal?: AbortSignal;
}

/**
 * Checks that a folder of embeddings is whole and agrees with itself.
 *
 * Of an extraction: the checksum of every record, that all were made the same way, that rank pickles and individual
 * pickles hold what the records do. Of merged embeddings: that the pickles, lists, summary, index and individual files
 * say the same, and that each speaker is the mean of its utterances. Of both: that no name leads out of the folder. Only
 * reads.
 *
 * @throws `missing` when the folder holds neither
 *
 * @example
 * const { problems } = await verify("final_embeddings")
 */
export async function verify(folder: string, { abortSignal }: VerifyOptions = {}): Promise<Verification> {
  const audit = openAudit(abortSignal);
  if (existsSync(join(folder, "summary.json"))) {
    await verifyMerged(folder, audit);
    return { kind: "merged embeddings", ...audit.result() };
  }
  const lists = await audit.attempt("corpus list", () => readCorpusLists(folder));
  if (lists === undefined && audit.result().problems.length === 0)
    throw missing("verify", "embeddings", { path: folder, want: "a folder that extract or merge wrote" });
  if (lists !== undefined) await verifyExtraction(await readExtraction(folder, lists), audit);
  return { kind: "extraction", ...audit.result() };
}

type Audit = ReturnType<typeof openAudit>;

/** Gathers what was looked at and what was wrong with it. */
function openAudit(abortSignal: AbortSignal | undefined) {
  const checked: Record<string, number> = {};
  const problems: string[] = [];
  const count = (what: string) => {
    throwIfAborted("verify", abortSignal);
    checked[what] = (checked[what] ?? 0) + 1;
  };
  const problem = (what: string) => {
    problems.push(what);
  };
  return {
    count,
    problem,
    /** Calls a function whose exception is a problem. */
    async attempt<Result>(what: string, action: () => Result | Promise<Result>): Promise<Result | undefined> {
      try {
        return await action();
      } catch (error) {
        problem(`${what}: ${reasonOf(error)}`);
        return undefined;
      }
    },
    /** Notes a problem unless two things are equal. */
    same(what: string, got: unknown, want: unknown) {
      if (got !== want) problem(`${what}: got ${JSON.stringify(got)}, expected ${JSON.stringify(want)}`);
    },
    result: () => ({ checked, problems }),
  };
}

async function verifyExtraction(extraction: Extraction, audit: Audit): Promise<void> {
  const { utterances, outcomes, logs, root } = extraction;
  for (const log of logs) {
    if (log.damagedBytes > 0) audit.problem(`${log.path}: ${log.damagedBytes} bytes are torn or damaged`);
    if (log.identity === undefined) audit.problem(`${log.path}: no record says how its embeddings were made`);
  }
  const identity = logs.find((log) => log.identity !== undefined)?.identity;
  if (identity !== undefined) await audit.attempt("records", () => checkIdentity(extraction, identity));
  const keys = new Map<string, string>();
  const strayKeys = new Set<string>();
  for (const [index, utterance] of utterances.entries()) {
    const { key, file } = utterance;
    const paths = await audit.attempt(file, () => [
      inside(root, file),
      utterancePath(extraction.folder, utterance),
    ]);
    if (paths === undefined) strayKeys.add(key);
    if (keys.has(key)) audit.problem(`key ${key}: shared by ${keys.get(key)} and ${file}`);
    keys.set(key, file);
    if (outcomes[index] !== undefined) audit.count("records");
    else audit.count("files left to embed");
  }
  await verifyVectors(extraction, identity, audit);
  for (const log of logs) await verifyRank(extraction, log, audit);
  await verifyIndividual(extraction, strayKeys, audit);
}

async function verifyVectors(
  extraction: Extraction,
  identity: Record<string, unknown> | undefined,
  audit: Audit,
): Promise<void> {
  for await (const { key, embedding } of embeddedUtterances(extraction)) {
    if (identity?.dimension !== undefined)
      audit.same(`${key}: numbers in its record`, embedding.length, identity.dimension);
    if (!embedding.every(Number.isFinite)) audit.problem(`${key}: its record holds NaN or infinity`);
  }
}

/** The pickles of a rank, where it got as far as to write them, hold what its log does. */
async function verifyRank(extraction: Extraction, log: RankLog, audit: Audit): Promise<void> {
  if (!existsSync(join(log.folder, "metadata.json"))) return;
  const metadata = await audit.attempt(log.folder, () => readJson(join(log.folder, "metadata.json")));
  const stored = await audit.attempt(log.folder, () => readEmbeddings(log.folder, { level: "utterance" }));
  const speakers = await audit.attempt(log.folder, () => readEmbeddings(log.folder));
  if (metadata === undefined || stored === undefined || speakers === undefined) return;
  audit.same(`${log.folder}: utterances in metadata.json`, metadata.num_utterances, stored.length);
  audit.same(`${log.folder}: speakers in metadata.json`, metadata.num_speakers, speakers.length);
  await compareUtterances(log.folder, embeddedUtterances(extraction, log), stored, audit);
}

/** The pickles of single utterances, of the whole extraction or of its shards, each beside the list that it came from. */
async function verifyIndividual(
  extraction: Extraction,
  strayKeys: ReadonlySet<string>,
  audit: Audit,
): Promise<void> {
  const folders = [extraction.folder, ...extraction.logs.map(({ folder }) => join(folder, ".."))]
    .map((part) => join(part, "embeddings_individual"))
    .filter((folder, index, all) => all.indexOf(folder) === index && existsSync(folder));
  if (folders.length === 0) return;
  const speakers = new Map<string, EmbeddedUtterance>();
  for await (const utterance of embeddedUtterances(extraction)) {
    if (strayKeys.has(utterance.key)) continue;
    speakers.set(utterance.speakerKey, utterance);
    const holders = folders.filter((folder) => existsSync(utterancePath(folder, utterance)));
    if (holders.length === 0) audit.problem(`${utterance.key}: no individual file in ${folders.join(", ")}`);
    for (const folder of holders) await verifyIndividualUtterance(folder, utterance, audit);
  }
  // A shard has its own mean of a speaker that it shares with another: here it must only be there and load.
  for (const [key, { dataset, speakerId }] of speakers) {
    const holders = folders.filter((folder) => existsSync(speakerPath(folder, { dataset, speakerId })));
    if (holders.length === 0) audit.problem(`${key}: no individual file in ${folders.join(", ")}`);
    for (const folder of holders) {
      audit.count("individual files");
      await audit.attempt(key, () => readIndividual(folder, { dataset, speakerId }));
    }
  }
}

async function verifyMerged(folder: string, audit: Audit): Promise<void> {
  const summary = await audit.attempt("summary.json", () => readJson(join(folder, "summary.json")));
  const utterances = await audit.attempt("utterance_embeddings.pkl", () =>
    readEmbeddings(folder, { level: "utterance" }),
  );
  const speakers = await audit.attempt("speaker_embeddings.pkl", () => readEmbeddings(folder));
  if (summary === undefined || utterances === undefined || speakers === undefined) return;
  audit.same("summary.json: total_utterances", summary.total_utterances, utterances.length);
  audit.same("summary.json: total_speakers", summary.total_speakers, speakers.length);
  await verifyList(folder, "utterance_list.json", utterances, audit);
  await verifyList(folder, "speaker_list.json", speakers, audit);
  const failures = await audit.attempt("failed.jsonl", () => rowsOf(join(folder, "failed.jsonl")));
  if (failures !== undefined) audit.same("failed.jsonl: rows", failures, summary.failed_utterances);
  for (const { key, embedding } of utterances) {
    audit.count("utterances");
    if (!embedding.every(Number.isFinite)) audit.problem(`${key}: NaN or infinity`);
  }
  verifyMeans(utterances, speakers, audit);
  if (summary.individual_files_available === true) await verifyIndex(folder, utterances, speakers, audit);
}

/** Each speaker is the mean of its utterances, or of their unit vectors, to the last bit. */
function verifyMeans(
  utterances: readonly UtteranceEmbedding[],
  speakers: readonly SpeakerEmbedding[],
  audit: Audit,
): void {
  // Dataset and speaker tell a speaker here; its key may have been given a suffix.
  const nameOf = ({ dataset, speakerId }: { dataset: string; speakerId: string }) =>
    JSON.stringify([dataset, speakerId]);
  const ways = [false, true].map((normalize) => {
    const means = speakerMeans({ normalize });
    for (const utterance of utterances) means.add({ ...utterance, speakerKey: nameOf(utterance) });
    return new Map(means.speakers().map((speaker) => [speaker.key, speaker]));
  });
  for (const speaker of speakers) {
    audit.count("speakers");
    const known = ways.map((means) => means.get(nameOf(speaker)));
    audit.same(`${speaker.key}: utterances`, speaker.numUtterances, known[0]?.numUtterances ?? 0);
    if (!known.some((mean) => mean !== undefined && equal(mean.embedding, speaker.embedding)))
      audit.problem(`${speaker.key}: its embedding is not the mean of its utterances`);
  }
  audit.same("speaker_embeddings.pkl: speakers", speakers.length, ways[0]!.size);
}

async function verifyList(
  folder: string,
  name: string,
  rows: readonly { key: string }[],
  audit: Audit,
): Promise<void> {
  const list = await audit.attempt(name, () => readJson(join(folder, name)) as unknown as { key: string }[]);
  if (list === undefined) return;
  audit.same(`${name}: rows`, list.length, rows.length);
  const differing = rows.find(({ key }, index) => list[index]?.key !== key);
  if (differing !== undefined) audit.problem(`${name}: differs from the pickle at key ${differing.key}`);
}

/** file_index.json names every individual file and no other, and each holds what the combined pickles do. */
async function verifyIndex(
  folder: string,
  utterances: readonly UtteranceEmbedding[],
  speakers: readonly SpeakerEmbedding[],
  audit: Audit,
): Promise<void> {
  const individual = join(folder, "embeddings_individual");
  const index = await audit.attempt("file_index.json", () => readJson(join(individual, "file_index.json")));
  if (index === undefined) return;
  const indexed = (kind: "utterances" | "speakers", key: string, path: string) => {
    const named = (index[kind] as Record<string, unknown> | undefined)?.[key];
    // The folder may have been moved since: what counts is where the file lies in it.
    const below = relative(individual, path);
    if (typeof named !== "string" || !(named === below || named.endsWith(`/${below}`)))
      audit.problem(
        `file_index.json: ${kind} ${key}: got ${JSON.stringify(named)}, expected a path that ends in ${below}`,
      );
  };
  for (const utterance of utterances) {
    const path = await audit.attempt(utterance.key, () => utterancePath(individual, utterance));
    if (path === undefined) continue;
    indexed("utterances", utterance.key, path);
    await verifyIndividualUtterance(individual, utterance, audit);
  }
  for (const speaker of speakers) {
    const path = await audit.attempt(speaker.key, () => speakerPath(individual, speaker));
    if (path === undefined) continue;
    indexed("speakers", speaker.key, path);
    await verifyIndividualSpeaker(individual, speaker, audit);
  }
  audit.same("file_index.json: utterances", Object.keys(index.utterances ?? {}).length, utterances.length);
  audit.same("file_index.json: speakers", Object.keys(index.speakers ?? {}).length, speakers.length);
  await audit.attempt("embeddings_individual", async () => {
    audit.same(
      "embeddings_individual: files",
      await filesBelow(individual),
      utterances.length + speakers.length + 1,
    );
  });
}

async function verifyIndividualUtterance(
  folder: string,
  utterance: Omit<UtteranceEmbedding, "path">,
  audit: Audit,
): Promise<void> {
  audit.count("individual files");
  const read = await audit.attempt(utterance.key, () => readIndividual(folder, utterance));
  if (read === undefined) return;
  const { dataset, speakerId, utteranceId } = utterance;
  if (!equal(read.embedding, utterance.embedding))
    audit.problem(`${utterance.key}: its individual file holds another embedding`);
  if (read.dataset !== dataset || read.speakerId !== speakerId || read.utteranceId !== utteranceId)
    audit.problem(`${utterance.key}: its individual file names another utterance`);
}

async function verifyIndividualSpeaker(
  folder: string,
  { dataset, speakerId, key, embedding, numUtterances }: SpeakerEmbedding,
  audit: Audit,
): Promise<void> {
  audit.count("individual files");
  const read = await audit.attempt(key, () => readIndividual(folder, { dataset, speakerId }));
  if (read === undefined) return;
  if (!equal(read.embedding, embedding) || read.numUtterances !== numUtterances)
    audit.problem(`${key}: its individual file differs from speaker_embeddings.pkl`);
}

/** Both have the same utterances in the same order with the same embeddings. */
async function compareUtterances(
  where: string,
  expected: AsyncIterable<EmbeddedUtterance>,
  stored: readonly UtteranceEmbedding[],
  audit: Audit,
): Promise<void> {
  const byKey = new Map(stored.map((utterance) => [utterance.key, utterance]));
  for await (const { key, embedding } of expected) {
    const found = byKey.get(key);
    byKey.delete(key);
    if (found === undefined)
      audit.problem(`${where}: ${key} is in the log and not in utterance_embeddings.pkl`);
    else if (!equal(found.embedding, embedding))
      audit.problem(`${where}: ${key} differs between the log and utterance_embeddings.pkl`);
  }
  for (const key of byKey.keys())
    audit.problem(`${where}: ${key} is in utterance_embeddings.pkl and not in the log`);
}

/** Equal to the bit. */
function equal(a: Float32Array, b: Float32Array): boolean {
  return (
    a.length === b.length &&
    Buffer.from(a.buffer, a.byteOffset, a.byteLength).equals(
      Buffer.from(b.buffer, b.byteOffset, b.byteLength),
    )
  );
}

const readJson = (path: string) => JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;

async function rowsOf(path: string): Promise<number> {
  let rows = 0;
  for await (const _row of readJsonLines(path)) rows++;
  return rows;
}

async function filesBelow(folder: string): Promise<number> {
  let files = 0;
  for (const name of await readdir(folder, { recursive: true }))
    if ((await stat(join(folder, name))).isFile()) files++;
  return files;
}
