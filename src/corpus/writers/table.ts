import { unsupported } from "../../errors.js";
import { csvLine } from "../../format/csv.js";
import type { Utterance } from "../../types.js";
import { readLines } from "../../util/read-lines.js";
import { type Columns, chooseColumns } from "../columns.js";
import { delimiterOf, records } from "../sources/table.js";
import { byLine, changesOf, noSpeakers } from "./rewrite.js";

/** The text of a table as CSV or TSV with the rows that the corpus still has; rows in which nothing changes stay as they were. */
export async function* tableText(
  file: string,
  kind: "csv" | "tsv",
  utterances: readonly Utterance[],
  told: Columns,
  to: string,
): AsyncGenerator<string> {
  const delimiter = kind === "tsv" ? "\t" : await delimiterOf(file);
  const lines = byLine(utterances);
  const { mark, end } = await firstLineOf(file);
  yield mark;
  let places: Record<"path" | "speaker" | "dataset", number> | undefined;
  for await (const { cells, line, raw = "" } of records(file, delimiter, kind === "csv", { raw: true })) {
    const given = raw.replace(/^[\r\n]+|[\r\n]+$/g, "");
    if (places === undefined) {
      const names = cells.map((name) => name.trim());
      const columns = chooseColumns(names, told, file);
      const place = (role: "path" | "speaker" | "dataset") => names.indexOf(columns[role] ?? "");
      places = { path: place("path"), speaker: place("speaker"), dataset: place("dataset") };
      yield given + end;
      continue;
    }
    const [utterance] = lines.get(line) ?? [];
    if (utterance === undefined) continue;
    const { path, speaker, dataset } = places;
    const changes = changesOf(
      { path: cells[path], speaker: cells[speaker], dataset: cells[dataset] },
      utterance,
      to,
    );
    if (changes.speaker !== undefined && speaker < 0) throw noSpeakers(file, utterance);
    for (const [role, value] of Object.entries(changes))
      cells[places[role as keyof typeof places]] = value ?? "";
    yield (Object.keys(changes).length === 0 ? given : rowText(cells, delimiter, kind)) + end;
  }
}

/** A row without its line end. @throws `unsupported` for a cell that TSV, whose quotes mean nothing, cannot hold */
export function rowText(cells: readonly string[], delimiter: string, kind: "csv" | "tsv"): string {
  if (kind === "csv") return csvLine(cells, delimiter as ",").slice(0, -1);
  const bad = cells.find((cell) => /[\t\r\n]/.test(cell));
  if (bad !== undefined)
    throw unsupported(
      `A manifest as TSV cannot hold ${JSON.stringify(bad)}, which has a tab or a line end in it. Write .csv or .jsonl.`,
      { got: bad },
    );
  return cells.join("\t");
}

/** The byte order mark, if there is one, and how lines end. */
async function firstLineOf(file: string): Promise<{ mark: string; end: string }> {
  for await (const [line = ""] of readLines(file, "The manifest", { asIs: true }))
    return { mark: line.startsWith("\ufeff") ? "\ufeff" : "", end: line.endsWith("\r\n") ? "\r\n" : "\n" };
  return { mark: "", end: "\n" };
}
