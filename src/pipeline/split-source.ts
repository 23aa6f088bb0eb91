import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Corpus } from "../corpus/corpus.js";
import { invalid, missing, shown, unsupported } from "../errors.js";
import { mergedFiles } from "../merged/files.js";
import { streamEmbeddings } from "../store/read-embeddings.js";
import type { Utterance, UtteranceEmbedding } from "../types.js";
import { readJsonLines } from "../util/json-lines.js";
import { type CorpusSettings, checkCorpusSettings, openCorpus } from "./open-corpus.js";
import { withKnownKeys } from "./with-known-keys.js";

/** What merging wrote down of an utterance. */
interface Fact extends Partial<Pick<Utterance, "span" | "channel" | "session" | "seconds" | "fields">> {
  key: string;
  path: string;
  source?: string;
  /** Of a Parquet file that holds the audio. */
  row?: number;
}

/**
 * The utterances to be split: those of a corpus, which are as long as its embeddings say where itself does not; or without a corpus
 * those of a folder of merged embeddings.
 *
 * @throws `missing` where there is no such folder, `invalid` for embeddings of another corpus; as `openCorpus` does
 */
export async function splitSource({
  embeddings,
  ...settings
}: CorpusSettings & { embeddings?: string }): Promise<Corpus> {
  checkCorpusSettings(settings);
  if (!settings.dataRoot && !settings.manifest) return mergedCorpus(embeddings ?? "final_embeddings");
  const corpus = await openCorpus(settings);
  if (embeddings === undefined) return corpus;
  const facts = await factsIn(embeddings);
  const keyed = withKnownKeys(corpus.utterances, new Set(facts.keys()));
  if (!keyed.some(({ key }) => facts.has(key)))
    throw invalid(
      `Of no utterance does ${embeddings} know how long it is: the corpus begins with ${shown(keyed[0]?.key)}, the embeddings with ${shown(facts.keys().next().value)}. Give embeddings of this corpus, or leave --embeddings out. Where neither layout nor manifest has a data set, --dataset names it.`,
      { path: embeddings },
    );
  const utterances = corpus.utterances.map((utterance, i) => ({
    ...utterance,
    seconds: utterance.seconds ?? facts.get(keyed[i]!.key)?.seconds,
  }));
  return { ...corpus, utterances };
}

async function factsIn(folder: string): Promise<Map<string, Fact>> {
  const path = join(folder, mergedFiles.utteranceFacts);
  if (!existsSync(path))
    throw missing(
      `${path} does not exist, so it is not known how long the utterances are. Give a folder that \`speakerscope merge\` wrote, or leave --embeddings out.`,
      { path },
    );
  const facts = new Map<string, Fact>();
  for await (const fact of readJsonLines<Fact>(path)) facts.set(fact.key, fact);
  return facts;
}

async function mergedCorpus(folder: string): Promise<Corpus> {
  if (!existsSync(join(folder, mergedFiles.utterances)))
    throw missing(
      `No corpus is named, and ${folder} is no folder that merging wrote. Give --data_root FOLDER, --manifest FILE (docs/corpora.md has the formats), or --embeddings FOLDER.`,
      { path: folder },
    );
  const hasFacts = existsSync(join(folder, mergedFiles.utteranceFacts));
  const facts = hasFacts ? await factsIn(folder) : new Map<string, Fact>();
  const utterances: Utterance[] = [];
  for await (const row of streamEmbeddings(folder, "utterance")) {
    const { embedding: _, ...named } = row as UtteranceEmbedding;
    utterances.push(asUtterance(named, facts.get(named.key)));
  }
  return { root: folder, utterances, failures: [], warnings: [] };
}

function asUtterance(named: Omit<UtteranceEmbedding, "embedding">, fact: Fact | undefined): Utterance {
  const { key, dataset, speakerId, path } = named;
  const { span, channel, session, seconds, fields, source, row } = fact ?? {};
  if (row !== undefined || path.endsWith(".tar"))
    throw unsupported(
      `The audio of ${key} is inside ${path}, where no path leads. Give the --manifest or --data_root that was embedded.`,
      { path },
    );
  const speakerKey = speakerId === null ? null : `${dataset}_${speakerId}`;
  const file = source ?? path;
  return { ...named, speakerKey, file, size: 0, mtimeMs: 0, span, channel, session, seconds, fields };
}
