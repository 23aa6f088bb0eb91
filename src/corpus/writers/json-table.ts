import { edited, setField, whole } from "../../format/json-text.js";
import type { Utterance } from "../../types.js";
import { readLines } from "../../util/read-lines.js";
import { type Columns, chooseColumns } from "../columns.js";
import { parsedRow } from "../sources/json-rows.js";
import { byLine, changesOf } from "./rewrite.js";

/** The text of JSONL with the rows that the corpus still has; of a row, only the values change that are others now. */
export async function* jsonTableText(
  file: string,
  utterances: readonly Utterance[],
  told: Columns,
  to: string,
): AsyncGenerator<string> {
  const lines = byLine(utterances);
  let line = 0;
  let columns: Columns | undefined;
  for await (const texts of readLines(file, "The manifest", { asIs: true })) {
    // The columns are chosen as they were for reading: by the first lines that come together.
    columns ??= chooseColumns(
      [...new Set(texts.flatMap((text) => Object.keys(rowOf(text) ?? {})))],
      told,
      file,
    );
    for (const text of texts) {
      const [utterance] = lines.get(++line) ?? [];
      const row = utterance && rowOf(text);
      if (utterance === undefined || row === undefined) continue;
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
      const now = edited(text, edits);
      yield now.endsWith("\n") ? now : `${now}\n`;
    }
  }
}

const rowOf = (text: string): Record<string, unknown> | undefined => {
  const row = parsedRow(text.replace(/^\ufeff/, ""));
  return typeof row === "object" && row !== null && !Array.isArray(row)
    ? (row as Record<string, unknown>)
    : undefined;
};
