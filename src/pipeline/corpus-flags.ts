import type { CorpusSettings } from "./open-corpus.js";

/** How a corpus is named on the command line: `--manifest cuts.jsonl --dataset a`; `--data_root CORPUS` where none is known. */
export function corpusFlags(settings: CorpusSettings = {}): string {
  const { manifest, dataRoot, layout, format, columns, pathPrefix, dataset } = settings;
  const flags = manifest
    ? { manifest, format, columns: textOf(columns), path_prefix: pathPrefix, dataset }
    : { data_root: dataRoot || "CORPUS", layout, dataset };
  return Object.entries(flags)
    .filter(([, value]) => value)
    .map(([name, value]) => `--${name} ${inShell(value!)}`)
    .join(" ");
}

/** A corrected corpus of the same kind, for `--out`: `clean.tsv` for `train.tsv`, a table for folders. */
export function cleanName({ manifest }: CorpusSettings = {}): string {
  if (!manifest) return "clean.csv";
  // Shards and Kaldi directories are written into a folder.
  return `clean${/[{}]/.test(manifest) ? "" : (/\.[a-z]+(\.gz)?$/i.exec(manifest)?.[0] ?? "")}`;
}

const textOf = (columns: CorpusSettings["columns"]) =>
  typeof columns === "object"
    ? Object.entries(columns)
        .map(([role, name]) => `${role}=${name}`)
        .join(",")
    : columns;

/** A word as a shell takes it back. */
export const inShell = (word: string): string =>
  /^[\w./:=,@%+~-]+$/.test(word) && !word.startsWith("~") ? word : `'${word.replaceAll("'", "'\\''")}'`;
