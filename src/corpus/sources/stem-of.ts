import { basename, dirname } from "node:path";

/** The name of a manifest without its endings: `train` of `train.jsonl.gz`. */
export const stemOf = (path: string): string =>
  basename(path).replace(/\.(jsonl|json|csv|tsv|parquet|tar|scp)?(\.gz)?$/, "") || basename(path);

/** What a manifest's data set is called where it names none: the file's name, or that of the folder of several parts. */
export const datasetOf = (paths: readonly string[]): string =>
  paths.length === 1 ? stemOf(paths[0]!) : basename(dirname(paths[0]!));
