import { existsSync } from "node:fs";
import { join } from "node:path";
import { bytesOf } from "../format/nd-array.js";
import { readJsonObject } from "../format/read-json.js";
import type { UtteranceEmbedding } from "../types.js";
import type { Audit } from "../util/audit.js";
import { inside } from "../util/inside.js";
import {
  checkIdentity,
  type EmbeddedUtterance,
  type Extraction,
  embeddedUtterances,
  type RankLog,
} from "./extraction.js";
import { speakerPath, utterancePath } from "./individual.js";
import { readEmbeddings, readIndividual } from "./read-embeddings.js";

/** Notes what is wrong with an extraction: its records, and the pickles that were made of them. */
export async function verifyExtraction(extraction: Extraction, audit: Audit): Promise<void> {
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
  const metadata = await audit.attempt(log.folder, () =>
    readJsonObject(join(log.folder, "metadata.json"), "The metadata"),
  );
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
    if (utterance.speakerKey !== null) speakers.set(utterance.speakerKey, utterance);
    const holders = folders.filter((folder) => existsSync(utterancePath(folder, utterance)));
    if (holders.length === 0) audit.problem(`${utterance.key}: no individual file in ${folders.join(", ")}`);
    for (const folder of holders) await verifyIndividualUtterance(folder, utterance, audit);
  }
  // A shard has its own mean of a speaker that it shares with another: here it must only be there and load.
  for (const [key, { dataset, speakerId: id }] of speakers) {
    const speakerId = id!;
    const holders = folders.filter((folder) => existsSync(speakerPath(folder, { dataset, speakerId })));
    if (holders.length === 0) audit.problem(`${key}: no individual file in ${folders.join(", ")}`);
    for (const folder of holders) {
      audit.count("individual files");
      await audit.attempt(key, () => readIndividual(folder, { dataset, speakerId }));
    }
  }
}

/** The pickle of one utterance holds what is known of it. */
export async function verifyIndividualUtterance(
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
export const equal = (a: Float32Array, b: Float32Array): boolean =>
  Buffer.compare(bytesOf(a), bytesOf(b)) === 0;
