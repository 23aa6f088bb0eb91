import { existsSync } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join, relative } from "node:path";
import { checksFile, readChecks } from "../checks/checks-file.js";
import { shown } from "../errors.js";
import { isObject, readJsonObject, readJsonRows } from "../format/read-json.js";
import { readCorpusLists, readExtraction } from "../store/extraction.js";
import { speakerPath, utterancePath } from "../store/individual.js";
import { readEmbeddings, readIndividual } from "../store/read-embeddings.js";
import { speakerMeans } from "../store/speaker-means.js";
import { equal, verifyExtraction, verifyIndividualUtterance } from "../store/verify-extraction.js";
import type { SpeakerEmbedding, UtteranceEmbedding } from "../types.js";
import { type Audit, openAudit } from "../util/audit.js";
import { compare } from "../util/compare.js";
import { holdsNo } from "../util/holds-no.js";
import { readJsonLines } from "../util/json-lines.js";
import { speakerIdentity } from "../util/speaker-identity.js";
import { refuseUnfinished } from "../util/write-together.js";
import { checkComparison } from "./check-comparison.js";
import { indexFile, individualFolder, mergedFiles } from "./files.js";

export interface Verification {
  kind: "extraction" | "merged embeddings";
  /** How many `records`, `individual files`, ... were checked. */
  checked: Record<string, number>;
  /** The problems, a sentence each; empty when all is well. */
  problems: string[];
}

export interface VerifyOptions {
  abortSignal?: AbortSignal;
}

/**
 * Checks that a folder of embeddings is complete and consistent. It only reads.
 *
 * In an extraction: the checksum of every record, that all were made the same way, and that rank pickles and individual
 * pickles hold the same as the records. In merged embeddings: that pickles, lists, summary, index and individual files
 * agree, that each speaker is the mean of its utterances, and that a comparison, its matrix included, is one of these speakers. In both: that
 * no name leads out of the folder.
 *
 * @throws `missing` when the folder holds neither, `conflict` when a merge or a comparison was killed while it put its files there
 *
 * @example
 * const { problems } = await verify("final_embeddings")
 */
export async function verify(folder: string, { abortSignal }: VerifyOptions = {}): Promise<Verification> {
  refuseUnfinished(folder);
  const audit = openAudit(abortSignal);
  if (existsSync(join(folder, mergedFiles.summary))) {
    await verifyMerged(folder, audit);
    return { kind: "merged embeddings", ...audit.result() };
  }
  const lists = await audit.attempt("corpus list", () => readCorpusLists(folder));
  if (lists === undefined && audit.result().problems.length === 0)
    throw holdsNo(folder, "embeddings", "Give a folder that extract or merge wrote.");
  if (lists !== undefined) await verifyExtraction(await readExtraction(folder, lists), audit);
  return { kind: "extraction", ...audit.result() };
}

async function verifyMerged(folder: string, audit: Audit): Promise<void> {
  const summary = await audit.attempt(mergedFiles.summary, () =>
    readJsonObject(join(folder, mergedFiles.summary), "The summary"),
  );
  const utterances = await audit.attempt("utterance_embeddings.pkl", () =>
    readEmbeddings(folder, { level: "utterance" }),
  );
  const speakers = await audit.attempt("speaker_embeddings.pkl", () => readEmbeddings(folder));
  if (summary === undefined || utterances === undefined || speakers === undefined) return;
  audit.same("summary.json: total_utterances", summary.total_utterances, utterances.length);
  audit.same("summary.json: total_speakers", summary.total_speakers, speakers.length);
  await verifyList(folder, mergedFiles.utteranceList, utterances, audit);
  await verifyList(folder, mergedFiles.speakerList, speakers, audit);
  // Older versions did not write it.
  const hasFacts = existsSync(join(folder, mergedFiles.utteranceFacts));
  const facts = !hasFacts
    ? undefined
    : await audit.attempt(mergedFiles.utteranceFacts, () => rowsOf(join(folder, mergedFiles.utteranceFacts)));
  if (facts !== undefined) audit.same(`${mergedFiles.utteranceFacts}: rows`, facts, utterances.length);
  if (existsSync(join(folder, checksFile))) {
    const checks = await audit.attempt(checksFile, () => readChecks(folder));
    const measured = new Set(checks?.filter((row) => !("failure" in row)).map(({ key }) => key));
    const without = utterances.find(({ key }) => !measured.has(key));
    if (checks !== undefined && without !== undefined)
      audit.problem(`${checksFile}: no row of ${without.key}`);
  }
  if (existsSync(join(folder, mergedFiles.provenance)))
    await audit.attempt(mergedFiles.provenance, () =>
      readJsonObject(join(folder, mergedFiles.provenance), "The provenance"),
    );
  const failures = await audit.attempt(mergedFiles.failures, () =>
    rowsOf(join(folder, mergedFiles.failures)),
  );
  if (failures !== undefined)
    audit.same(`${mergedFiles.failures}: rows`, failures, summary.failed_utterances);
  for (const { key, embedding } of utterances) {
    audit.count("utterances");
    if (!embedding.every(Number.isFinite)) audit.problem(`${key}: NaN or infinity`);
  }
  verifyMeans(utterances, speakers, audit);
  await audit.attempt("comparison", async () => {
    for (const what of await checkComparison(folder, speakers)) audit.problem(what);
  });
  if (summary.individual_files_available === true) await verifyIndex(folder, utterances, speakers, audit);
}

/** Each speaker must be the mean of its utterances or of their unit vectors, bit for bit. */
function verifyMeans(
  utterances: readonly UtteranceEmbedding[],
  speakers: readonly SpeakerEmbedding[],
  audit: Audit,
): void {
  const ways = [false, true].map((normalize) => {
    const means = speakerMeans({ normalize });
    for (const utterance of utterances)
      means.add({
        ...utterance,
        speakerKey: utterance.speakerId === null ? null : speakerIdentity(utterance),
      });
    return new Map(means.speakers().map((speaker) => [speaker.key, speaker]));
  });
  for (const speaker of speakers) {
    audit.count("speakers");
    const known = ways.map((means) => means.get(speakerIdentity(speaker)));
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
  const list = await audit.attempt(name, () => readJsonRows(join(folder, name), "The list"));
  if (list === undefined) return;
  audit.same(`${name}: rows`, list.length, rows.length);
  const differing = rows.find(({ key }, index) => list[index]?.key !== key);
  if (differing !== undefined) audit.problem(`${name}: differs from the pickle at key ${differing.key}`);
}

/** file_index.json must name exactly the individual files, and each must hold the same as the combined pickles. */
async function verifyIndex(
  folder: string,
  utterances: readonly UtteranceEmbedding[],
  speakers: readonly SpeakerEmbedding[],
  audit: Audit,
): Promise<void> {
  const individual = join(folder, individualFolder);
  const index = await audit.attempt(indexFile, () =>
    readJsonObject(join(individual, indexFile), "The index"),
  );
  if (index === undefined) return;
  const known = new Set([indexFile]);
  const indexed = (kind: "utterances" | "speakers", key: string, path: string) => {
    const entries = index[kind];
    const named = isObject(entries) && Object.hasOwn(entries, key) ? entries[key] : undefined;
    // The folder may have been moved since, so only the path below it counts.
    const below = relative(individual, path);
    known.add(below);
    if (typeof named !== "string" || !(named === below || named.endsWith(`/${below}`)))
      audit.problem(
        `${indexFile}: ${kind} ${key}: got ${shown(named)}, expected a path that ends in ${below}`,
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
  audit.same(`${indexFile}: utterances`, Object.keys(index.utterances ?? {}).length, utterances.length);
  audit.same(`${indexFile}: speakers`, Object.keys(index.speakers ?? {}).length, speakers.length);
  await audit.attempt(individualFolder, async () => {
    const others = (await filesBelow(individual)).filter((name) => !known.has(name));
    if (others.length > 0)
      audit.problem(
        `${individualFolder}: files that merging did not write, ${others.length}, such as ${others[0]}; merging leaves them, so move them out`,
      );
  });
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

async function rowsOf(path: string): Promise<number> {
  let rows = 0;
  for await (const _row of readJsonLines(path)) rows++;
  return rows;
}

async function filesBelow(folder: string): Promise<string[]> {
  const files: string[] = [];
  for (const name of await readdir(folder, { recursive: true }))
    if ((await stat(join(folder, name))).isFile()) files.push(name);
  return files.sort(compare);
}
