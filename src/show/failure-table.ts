import { quantity } from "../shared/text.js";
import type { Doubt, Failure } from "../types.js";
import type { Part, Rows } from "./view.js";

/** How many files failed and how many are doubtful, and why. */
export const failuresAndDoubts = (failures: readonly Failure[], doubts: readonly Doubt[]): Part[] => [
  failures.length === 0 ? "Nothing failed" : `${quantity(failures.length, "file")} failed:`,
  failureTable(failures),
  doubts.length === 0 ? "" : `${quantity(doubts.length, "file")} doubtful:`,
  reasonTable(doubts, ({ warning }) => ({ warning })),
];

/** What failed, by reason: the most frequent first. */
export const failureTable = (failures: readonly Failure[]): Rows =>
  reasonTable(failures, ({ stage, reason }) => ({ stage, reason: firstSentence(reason) }));

/** Names and numbers of one file follow in parentheses or behind a colon. */
const firstSentence = (reason: string) => reason.split(/ \(|: |\. /)[0];

function reasonTable<Row extends { path: string }>(
  rows: readonly Row[],
  groupOf: (row: Row) => Record<string, string>,
): Rows {
  const groups = new Map<string, { [name: string]: string | number; files: number }>();
  for (const row of rows) {
    const group = groupOf(row);
    const key = JSON.stringify(group);
    const known = groups.get(key);
    if (known === undefined) groups.set(key, { ...group, files: 1, "such as": row.path });
    else known.files++;
  }
  return { rows: [...groups.values()].sort((a, b) => b.files - a.files), noun: "reasons", most: 4 };
}
