import { type Columns, parseColumns } from "../corpus/columns.js";
import type { Corpus, ManifestFormat } from "../corpus/corpus.js";
import { readManifest } from "../corpus/read-manifest.js";
import { type ScanOptions, scan } from "../corpus/scan.js";
import { showCorpus } from "../corpus/show-corpus.js";
import { conflict, invalid, missing, shown } from "../errors.js";

/** Which corpus, in the words of the command line; empty texts count as left out. */
export interface CorpusSettings extends Omit<ScanOptions, "extensions"> {
  /** A folder of audio. */
  dataRoot?: string;
  /** A manifest; then `dataRoot` is not looked at. */
  manifest?: string;
  /** Of the manifest: kaldi, lhotse, nemo, csv, tsv, jsonl, parquet, webdataset; default: what it looks like. */
  format?: string;
  /** Of the manifest: which column holds what, as `speaker=client_id,path=path`. */
  columns?: string | Columns;
  /** Of the manifest: `OLD=NEW`, what paths begin with in it and on this machine. */
  pathPrefix?: string;
}

/**
 * Opens the corpus that settings name: a manifest, or else a folder. Notebooks and the command line go through here.
 *
 * @throws `missing` when neither is named; else as `scan` and `readManifest` do
 * @example
 * const corpus = await openCorpus({ dataRoot: "data/speech" });
 */
export async function openCorpus(settings: CorpusSettings): Promise<Corpus> {
  // A notebook always has a folder too, which a manifest goes before.
  checkCorpusSettings({ ...settings, dataRoot: undefined });
  const corpus = await opened(settings);
  return showCorpus({ ...corpus, warnings: [...corpus.warnings, ...idleSettings(settings, corpus)] });
}

async function opened(settings: CorpusSettings): Promise<Corpus> {
  const { dataRoot, manifest, format, columns, pathPrefix, layout, dataset } = settings;
  const { onCollision, onProgress, abortSignal } = settings;
  const common = { dataset: dataset || undefined, onCollision, onProgress, abortSignal };
  if (manifest)
    return readManifest(manifest, {
      ...common,
      format: (format || undefined) as ManifestFormat | undefined,
      columns: typeof columns === "string" ? (columns === "" ? {} : parseColumns(columns)) : columns,
      pathPrefix: pathPrefix ? parsePrefix(pathPrefix) : undefined,
    });
  if (!dataRoot)
    throw missing(
      "No corpus is named. Give --data_root FOLDER, or --manifest FILE (docs/corpora.md has the formats).",
    );
  return scan(dataRoot, { ...common, layout: layout || undefined });
}

/** What was set and has changed nothing, in words. */
function* idleSettings({ dataset, pathPrefix }: CorpusSettings, { utterances }: Corpus): Generator<string> {
  if (dataset && !utterances.some((utterance) => utterance.dataset === dataset))
    yield `--dataset ${dataset} has no effect, because every utterance has a data set already, such as ${utterances[0]!.dataset}`;
  if (!pathPrefix) return;
  const [old] = parsePrefix(pathPrefix);
  if (!utterances.some(({ file }) => file.startsWith(old)))
    yield `--path_prefix ${pathPrefix} has no effect, because no path in the manifest begins with ${old}`;
}

/** Throws for settings that do not go together. */
export function checkCorpusSettings({
  dataRoot,
  manifest,
  format,
  columns,
  pathPrefix,
  layout,
}: CorpusSettings): void {
  if (dataRoot && manifest)
    throw conflict(`Both --data_root ${dataRoot} and --manifest ${manifest} are given. Give one of them.`, {
      got: manifest,
    });
  if (manifest && layout)
    throw conflict("--layout is about folders, and --manifest is given. Leave one out.", { got: layout });
  const idle = Object.entries({ format, columns, path_prefix: pathPrefix }).find(
    ([, value]) => value !== undefined && value !== "",
  );
  if (!manifest && idle !== undefined)
    throw invalid(`--${idle[0]} is about a manifest, and none is given. Add --manifest, or leave it out.`, {
      got: idle[1],
    });
}

function parsePrefix(text: string): [string, string] {
  const at = text.indexOf("=");
  if (at < 0)
    throw invalid(`The path prefix is ${shown(text)}. Write OLD=NEW, such as /their/data=/my/data.`, {
      got: text,
    });
  return [text.slice(0, at), text.slice(at + 1)];
}
