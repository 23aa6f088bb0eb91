import { openParquet } from "../corpus/sources/parquet.js";
import { invalid, shown } from "../errors.js";
import type { SpeakerInfo } from "../types.js";

/** A vector of a file, and what the file says of it besides. */
export interface NamedVector {
  key: string;
  embedding: Float32Array;
  path?: string;
  session?: string;
  seconds?: number;
  info?: Omit<SpeakerInfo, "key">;
}

const keyColumns = ["key", "utterance_id", "utt_id", "id", "path", "name"];

/**
 * The vectors of a Parquet file, as `exportEmbeddings` or pandas writes them: a column of lists of numbers, called `embedding` or
 * the only one, and their names in `key` (or `id`, `path`, ...) if there are any; else they are numbered.
 *
 * @throws `invalid` for a file without such a column, for an empty cell, and one that cannot be read
 */
export async function readParquetVectors(path: string): Promise<NamedVector[]> {
  const file = await openParquet(path);
  try {
    const { metadata } = file;
    if (metadata.row_groups.length === 0) throw invalid(`${path} has no rows.`, { path });
    const lists: string[] = [];
    const plain: string[] = [];
    for (const { columns } of metadata.row_groups.slice(0, 1))
      for (const { meta_data } of columns) {
        const { type, path_in_schema: [name = "", ...inner] = [] } = meta_data ?? {};
        if (inner.length === 0) plain.push(name);
        else if (type === "FLOAT" || type === "DOUBLE") lists.push(name);
      }
    const vectors = ["embedding", "embeddings", ...lists].find((name) => lists.includes(name));
    if (vectors === undefined || (lists.length > 1 && !vectors.startsWith("embedding")))
      throw invalid(
        `${path} has no column of vectors called embedding. Its columns are ${[...plain, ...lists].map((name) => shown(name)).join(", ")}.`,
        { path },
      );
    const key = keyColumns.find((name) => plain.includes(name));
    const facts = ["dataset", "speakerId", "numUtterances", "path", "session", "seconds"].filter((name) =>
      plain.includes(name),
    );
    const rows: NamedVector[] = [];
    for (const { num_rows } of metadata.row_groups) {
      const columns = [vectors, ...(key === undefined ? [] : [key]), ...facts];
      const [rowStart, rowEnd] = [rows.length, rows.length + Number(num_rows)];
      for (const row of await file.read({ columns, rowStart, rowEnd })) {
        const values = row[vectors] as ArrayLike<number> | null | undefined;
        if (!values || Array.from(values).some((value) => typeof value !== "number"))
          throw invalid(`Row ${rows.length + 1} of ${path} has no vector in ${shown(vectors)}.`, { path });
        const { dataset, speakerId, numUtterances, path: audio, session, seconds } = row;
        rows.push({
          key: key === undefined ? String(rows.length) : String(row[key]),
          embedding: Float32Array.from(values),
          ...(typeof audio === "string" ? { path: audio } : {}),
          ...(typeof session === "string" ? { session } : {}),
          ...(typeof seconds === "number" ? { seconds } : {}),
          ...(facts.includes("dataset") && facts.includes("speakerId")
            ? {
                info: {
                  dataset: String(dataset ?? ""),
                  speakerId: String(speakerId ?? ""),
                  numUtterances: Number(numUtterances ?? 1),
                },
              }
            : {}),
        });
      }
    }
    return rows;
  } finally {
    file.close();
  }
}
