import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { conflict, shown } from "../errors.js";
import type { Utterance } from "../types.js";
import { readJsonLines } from "../util/json-lines.js";
import { statsOf } from "../util/stats-of.js";

type Row = Record<string, unknown>;
type Kind = "text" | "number" | "integer" | "boolean";
type Fact = Pick<Utterance, "key" | "session" | "seconds" | "fields">;

/** Columns of embeddings, which a field of the same name does not replace. */
const ownColumns = ["key", "dataset", "speakerId", "utteranceId", "path"];

/** What merging has written of each utterance beside its embedding. */
export interface UtteranceFacts {
  columns: string[];
  types: Record<string, Kind>;
  /** The rows of embeddings, in the order of the pickle, with their facts. */
  beside(rows: AsyncIterable<{ key: string }>): AsyncGenerator<Row>;
}

/**
 * Opens the facts of a merged folder; undefined where there are none, as in folders of the Python pipeline.
 *
 * @param input the folder, or the pickle of utterances in it
 */
export async function openFacts(input: string): Promise<UtteranceFacts | undefined> {
  const isFolder = statsOf(input)?.isDirectory() ?? false;
  const path = join(isFolder ? input : dirname(input), "utterances.jsonl");
  if (!existsSync(path)) return undefined;
  // One type a column: a field that is a number here and a text there is text throughout.
  const kinds = new Map<string, Kind>();
  let hasSession = false;
  for await (const { session, fields } of readJsonLines<Fact>(path)) {
    hasSession ||= session !== undefined;
    for (const [name, value] of Object.entries(fields ?? {})) {
      if (value === null) continue;
      kinds.set(name, together(kinds.get(name), kindOf(value)));
    }
  }
  const known = [...ownColumns, ...(hasSession ? ["session"] : []), "seconds"];
  const nameOf = (field: string) => ([...known, "embedding"].includes(field) ? `field_${field}` : field);
  const types: Record<string, Kind> = { session: "text", seconds: "number", speakerId: "text" };
  for (const [field, kind] of kinds) types[nameOf(field)] = kind;
  return {
    columns: [...known, ...[...kinds.keys()].map(nameOf), "embedding"],
    types,
    async *beside(rows) {
      const facts = readJsonLines<Fact>(path);
      for await (const row of rows) {
        const { value } = await facts.next();
        const { key, session, seconds, fields = {} } = (value ?? {}) as Partial<Fact>;
        if (key !== row.key)
          throw conflict(
            `${path} lists ${shown(key)} where the embeddings have ${shown(row.key)}. Merge again to write both anew.`,
            { path },
          );
        const told = Object.entries(fields).map(([field, value]) => [
          nameOf(field),
          kinds.get(field) === "text" && value !== null && typeof value !== "string"
            ? JSON.stringify(value)
            : value,
        ]);
        yield { ...row, session, seconds, ...Object.fromEntries(told) };
      }
    },
  };
}

function kindOf(value: unknown): Kind {
  if (typeof value === "number") return Number.isSafeInteger(value) ? "integer" : "number";
  return typeof value === "boolean" ? "boolean" : "text";
}

function together(a: Kind | undefined, b: Kind): Kind {
  if (a === undefined || a === b) return b;
  return [a, b].every((kind) => kind === "integer" || kind === "number") ? "number" : "text";
}
