import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Clustering, countText } from "../cluster/clustering.js";
import { nameSpeakers } from "../cluster/name-speakers.js";
import { type ManifestUtterance, writeManifestTable } from "../decisions/write-applied.js";
import { conflict } from "../errors.js";
import { mergedFiles } from "../merged/files.js";
import { quantity, shorten, whole } from "../shared/text.js";
import { readEmbeddings } from "../store/read-embeddings.js";
import { writeTable } from "../tables/write-table.js";
import type { Utterance } from "../types.js";
import { compare } from "../util/compare.js";
import { readJsonLines } from "../util/json-lines.js";
import type { Together } from "../util/write-together.js";
import type { StageContext } from "./stage.js";
import { withKnownKeys } from "./with-known-keys.js";

type Place = ManifestUtterance &
  Partial<Pick<Utterance, "offset" | "cell">> & {
    key: string;
    /** As merging writes it down: of a Parquet file that holds the audio. */
    row?: number;
  };

/** Whether the audio is a part of an archive or a table. */
const isInside = ({ path, offset, cell, row }: Place): boolean =>
  offset !== undefined || cell !== undefined || row !== undefined || path.endsWith(".tar");

export interface ClusterSettings {
  /** What was clustered. */
  embeddings: string;
  /** Folder of what is written. */
  outputDir: string;
  /** The utterances of the corpus, where the embeddings do not say where their audio is. */
  places?: readonly Place[];
  /** What the embeddings say of their utterances: how long they are. */
  utterances?: readonly { key: string; seconds?: number }[];
}

/**
 * Writes the people that `cluster` found into a folder: people.csv and utterances.csv say who they are and how sure it is, and
 * manifest.csv is the corpus under their names, where it is known where the audio is. They replace those of an earlier
 * clustering. Reports how many there are.
 *
 * @param files of `settings.outputDir`
 */
export async function publishClusters(
  files: Together,
  clustering: Clustering,
  settings: ClusterSettings,
  { reporter }: StageContext,
): Promise<void> {
  const { items, people } = clustering;
  const sorted = items.slice().sort((a, b) => compare(a.key, b.key));
  const { outputDir } = settings;
  const [ofPeople, ofUtterances, manifest] = clusterFiles.map((name) => join(outputDir, name));
  await writeTable(people, files.at(ofPeople!));
  await writeTable(sorted, files.at(ofUtterances!));
  const about = await writeClusteredManifest(files.at(manifest!), clustering, settings);
  files.commit([ofPeople!, ofUtterances!, manifest!]);
  for (const line of clusteringText(clustering)) reporter.log(line);
  reporter.log(`Written to ${outputDir}: people.csv, utterances.csv`);
  for (const line of about) reporter.log(line);
}

/** @throws `conflict` where a manifest lies in the folder that is none of a clustering */
export function spareManifest(outputDir: string): void {
  const [ofPeople, , manifest] = clusterFiles.map((name) => join(outputDir, name));
  if (existsSync(manifest!) && !existsSync(ofPeople!))
    throw conflict(
      `${manifest} is there already, and no people.csv says that it is of a clustering. Give another --output_dir, or move it away.`,
      { path: manifest },
    );
}

/** The last is the corpus under the names of the people. */
const clusterFiles = ["people.csv", "utterances.csv", "manifest.csv"];

/** @returns what is to be said of it, or why there is none */
async function writeClusteredManifest(
  path: string,
  clustering: Clustering,
  { embeddings, outputDir, places, utterances: told = [] }: ClusterSettings,
): Promise<string[]> {
  const { items } = clustering;
  const known = new Set(items.map(({ key }) => key));
  const lengths = new Map(told.map(({ key, seconds }) => [key, seconds]));
  const heard = withKnownKeys(places ?? (await placesIn(embeddings)), known)
    .filter(({ key }) => known.has(key))
    .map((row) => ({ ...row, seconds: row.seconds ?? lengths.get(row.key) }))
    .sort((a, b) => compare(a.key, b.key));
  if (heard.length === 0)
    return [
      "No manifest was written: the embeddings do not say where the audio is. Give --data_root or --manifest.",
    ];
  const inside = heard.find(isInside);
  if (inside !== undefined)
    return [
      `No manifest was written: the audio is inside ${inside.path}, where no path leads. In a cell, writeManifest(nameSpeakers(corpus, clustering), folder) writes it anew under these names.`,
    ];
  const { utterances } = nameSpeakers({ utterances: heard }, clustering);
  await writeManifestTable(utterances, path);
  const missing = items.length - heard.length;
  const unknown = heard.filter(
    ({ seconds, span }) => seconds === undefined && span?.end === undefined,
  ).length;
  return [
    `  ${join(outputDir, "manifest.csv")}: the corpus under these names, for --manifest of run and extract${missing > 0 ? `; ${quantity(missing, "utterance")} of unknown place left out` : ""}`,
    ...(unknown > 0
      ? [
          `    without the length of ${unknown === heard.length ? "the utterances" : quantity(unknown, "utterance")}, which neither the embeddings nor the corpus tell; it is not needed`,
        ]
      : []),
  ];
}

/** How many people there are, how sure it is, and who speaks most, line by line. */
function clusteringText(clustering: Clustering): string[] {
  const { people, summary, info } = clustering;
  const { alone } = summary;
  const sure = people.filter(({ probability }) => probability >= 0.9).length;
  const isKnown = people.some(({ probability }) => !Number.isNaN(probability));
  return [
    countText(clustering),
    `  ${whole(alone)} of them with one utterance${isKnown ? `; ${whole(sure)} ${sure === 1 ? "is" : "are"} sure by 90 % or more` : ""}; compared by ${info.model}`,
    ...people
      .slice(0, 10)
      .map(
        ({ person, utterances, probability, typical }) =>
          `  ${person}: ${quantity(utterances, "utterance")}${isKnown ? `, sure by ${Math.floor(100 * probability)} %` : ""}, such as ${shorten(typical, 80)}`,
      ),
    ...(people.length > 10 ? [`  and ${people.length - 10} more in people.csv`] : []),
  ];
}

/** Where utterances are, as merging has written it down; none for other embeddings. */
async function placesIn(embeddings: string): Promise<Place[]> {
  const facts = join(embeddings, mergedFiles.utteranceFacts);
  if (!existsSync(facts)) return [];
  const told = new Map<string, Partial<Place>>();
  for await (const fact of readJsonLines<Pick<Place, "key" | "span" | "channel" | "row">>(facts))
    told.set(fact.key, fact);
  return (await readEmbeddings(embeddings, { level: "utterance" })).map(({ embedding: _, ...utterance }) => ({
    ...told.get(utterance.key),
    ...utterance,
  }));
}
