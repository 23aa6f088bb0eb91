import { basename } from "node:path";

/** The name of a manifest without its endings: `train` of `train.jsonl.gz`. */
export const stemOf = (path: string): string =>
  basename(path).replace(/\.(jsonl|json|csv|tsv|parquet|tar|scp)?(\.gz)?$/, "") || basename(path);
