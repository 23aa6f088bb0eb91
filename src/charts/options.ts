import { invalid, missing } from "../errors.js";
import { type DataFrameLike, isFrame, rowsOfFrame } from "../tables/frame.js";
import { described } from "../util/demand.js";

/** What a chart takes as a table: rows, an object of columns, or a danfojs DataFrame. */
export type Table<Row> = Iterable<Row> | Columns<Row> | DataFrameLike;

export type Columns<Row> = { [Name in keyof Row]: ArrayLike<Row[Name]> };

/**
 * Rows, whatever the table came as.
 *
 * @throws `missing` when a row lacks one of the required columns, `invalid` when the data is no table.
 */
export function rowsOf<Row extends object>(
  subject: string,
  table: Table<Row>,
  required: readonly (keyof Row & string)[],
): Row[] {
  const rows = toRows<Row>(subject, table);
  const first = rows[0];
  if (first === undefined) return rows;
  for (const column of required) {
    if (!(column in first)) {
      throw missing(
        `${subject} needs a column ${column}, but the table has ${Object.keys(first).join(", ")}.`,
      );
    }
  }
  return rows;
}

/** Whose voice a row holds: its speaker's key, or data set and speaker, which keeps `a_b`/`c` and `a`/`b_c` apart. */
export interface SpeakerColumns {
  speakerKey?: string;
  dataset?: string;
  /** Null where it is not known whose voice it is. */
  speakerId?: string | null;
}

export function speakerOf({ speakerKey, dataset, speakerId }: SpeakerColumns): string {
  const id = speakerId === null ? "unknown" : speakerId;
  return speakerKey ?? (dataset === undefined ? String(id) : `${dataset}/${id}`);
}

function toRows<Row extends object>(subject: string, table: Table<Row>): Row[] {
  const data = table as unknown;
  if (isIterable<Row>(data)) return Array.from(data);
  if (typeof data === "object" && data !== null) {
    if (isFrame(data) && "$data" in data) return rowsOfFrame(data) as Row[];
    const columns = Object.entries(data as Record<string, ArrayLike<unknown>>);
    const lengths = new Set(columns.map(([, values]) => values?.length));
    if (lengths.size === 1 && !lengths.has(undefined as never)) {
      const [length] = lengths;
      return Array.from({ length }, (_, i) => Object.fromEntries(columns.map(([c, v]) => [c, v[i]])) as Row);
    }
    if (columns.length === 0) return [];
  }
  // A result holds rows beside other things: `map2d(...)` its points, a corpus its utterances.
  const [rows] = Object.entries(data ?? {}).find(([, value]) => Array.isArray(value)) ?? [];
  throw invalid(
    `${subject} takes rows, columns of one length, or a danfojs DataFrame, not ${described(data)}.${rows === undefined ? "" : ` Its rows may be what is called ${rows}: give that.`}`,
    { got: data },
  );
}

function isIterable<T>(data: unknown): data is Iterable<T> {
  return typeof (data as Iterable<T> | null)?.[Symbol.iterator] === "function";
}
