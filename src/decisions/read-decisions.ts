import { readFileSync } from "node:fs";
import { join } from "node:path";
import { invalid, missing, reasonOf } from "../errors.js";
import { parsedJson } from "../format/read-json.js";
import { refuseUtf16 } from "../util/read-file.js";
import { statsOf } from "../util/stats-of.js";
import { checkDecision } from "./check-decision.js";
import type { Decision } from "./decision.js";

/** Decisions as they stand in files, and what could not be read of them. */
export interface ReadDecisions {
  /** In the order of the files and lines: `mergeDecisions` says what holds. */
  decisions: Decision[];
  /** A last line that was cut off. */
  warnings: string[];
}

/** Editors may end lines as old Macs do; in JSON a return cannot stand for itself. */
export const lineEnd = /\r\n?|\n/;

/**
 * Reads decisions: JSONL files of one person or several, as `review`, the evidence page and `speakerscope audit` write them.
 *
 * The last line of a file may be cut off, where a machine went down while it was written; it is left out, with a warning.
 *
 * @param paths a file, or several; a folder stands for the decisions.jsonl in it
 * @throws `missing` for a file that is not there; `invalid` for a table, and for a line that is no decision, with file and line
 * @example
 * appendDecision("decisions.jsonl", { kind: "utterance", keys: ["studio_103_1"], action: "drop", by: "anna", at: "2026-01-31T09:30:00Z" });
 * const { decisions } = readDecisions("decisions.jsonl");
 */
export function readDecisions(paths: string | readonly string[]): ReadDecisions {
  const decisions: Decision[] = [];
  const warnings: string[] = [];
  for (const given of [paths].flat()) {
    // The folder that an audit wrote.
    const path = statsOf(given)?.isDirectory() ? join(given, "decisions.jsonl") : given;
    if (/\.(csv|tsv|parquet)$/.test(path))
      throw invalid(
        `${path} is a table. Decisions are JSON lines: give decisions.jsonl, which the audit writes.`,
        { path },
      );
    const lines = contentOf(path)
      .replace(/^\ufeff/, "")
      .split(lineEnd);
    for (const [index, line] of lines.entries()) {
      const text = line.trim();
      if (text === "") continue;
      const place = `Line ${index + 1} of ${path}`;
      const value = parsedJson(text);
      if (value === undefined && index === lines.length - 1 && text.startsWith("{"))
        warnings.push(`${place} is cut off, and is left out.`);
      else decisions.push(checkDecision(value ?? text, place, path));
    }
  }
  return { decisions, warnings };
}

function contentOf(path: string): string {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT")
      throw missing(
        `The decisions ${path} do not exist. Give decisions.jsonl of an audit, or what its page has saved.`,
        { path, cause },
      );
    throw missing(`The decisions ${path} cannot be read (${reasonOf(cause)}).`, { path, cause });
  }
  refuseUtf16(bytes, "The list of decisions", path);
  return bytes.toString("utf8");
}
