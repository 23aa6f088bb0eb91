import { edited, setField, whole } from "../../format/json-text.js";
import type { Utterance } from "../../types.js";
import { type Columns, chooseColumns } from "../columns.js";
import { rowsAsIs } from "../sources/json-rows.js";
import { byLine, changesOf } from "./rewrite.js";

/** The text of JSONL with the rows that the corpus still has; of a row, only the values change that are others now. */
export async function* jsonTableText(
  file: string,
  utterances: readonly Utterance[],
  told: Columns,
  to: string,
): AsyncGenerator<string> {
  const lines = byLine(utterances);
  let columns: Columns | undefined;
  for await (const rows of rowsAsIs(file)) {
    // The columns are chosen as they were for reading: by the first lines that come together.
    columns ??= chooseColumns([...new Set(rows.flatMap(({ row }) => Object.keys(row)))], told, file);
    for (const { line, text, row } of rows) {
      const [utterance] = lines.get(line) ?? [];
      if (utterance === undefined) continue;
      const { path = "", speaker = "speaker", dataset = "" } = columns;
      const changes = changesOf(
        { path: row[path], speaker: row[speaker], dataset: row[dataset] },
        utterance,
        to,
      );
      const names = { path, speaker, dataset };
      const edits = Object.entries(changes).map(([role, value]) =>
        setField(text, whole(text), names[role as keyof typeof names], value),
      );
      yield edited(text, edits);
    }
  }
}
