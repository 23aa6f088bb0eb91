import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { jsonLines } from "../util/json-lines.js";
import { makeFolder } from "../util/make-folder.js";
import { namePath } from "../util/name-path.js";
import { syncName } from "../util/sync-folder.js";
import { checkDecision } from "./check-decision.js";
import type { Decision } from "./decision.js";
import { inSnakeCase } from "./spelling.js";

/** Decisions as lines of a file, with kinds and actions spelt as in findings.csv. */
export const decisionLines = (decisions: Iterable<Decision>): Generator<string> => jsonLines(rows(decisions));

function* rows(decisions: Iterable<Decision>): Generator<object> {
  for (const { kind, keys, action, to, parts, by, at, probability } of decisions)
    yield {
      kind: inSnakeCase(kind),
      keys,
      action: inSnakeCase(action),
      to,
      parts,
      by,
      at: at || undefined,
      probability,
    };
}

/**
 * Appends a decision to a file, made where it is missing. It is on the disk when this returns, whole: one line, written at once.
 *
 * A line that was cut off by a crash is taken away first, so that it does not swallow the new one.
 *
 * @throws `invalid` for what is no decision; as the system says where the file cannot be written
 * @example
 * appendDecision("decisions.jsonl", { kind: "pair", keys: ["a_1", "b_7"], action: "same", by: "anna", at: new Date().toISOString() });
 */
export function appendDecision(path: string, decision: Decision): void {
  const [line] = decisionLines([checkDecision(decision, "The decision")]);
  try {
    makeFolder(dirname(path));
    const isNew = !existsSync(path);
    const file = openSync(path, "a+");
    try {
      mendEnd(file, path);
      writeSync(file, line!);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    if (isNew) syncName(dirname(path));
  } catch (error) {
    throw namePath(error, path);
  }
}

/** Ends the last line, or takes it away where it is only a part of one. */
function mendEnd(file: number, path: string): void {
  const { size } = fstatSync(file);
  if (size === 0) return;
  const bytes = readFileSync(path);
  const end = bytes.lastIndexOf(0x0a) + 1;
  if (end === bytes.length) return;
  try {
    JSON.parse(bytes.toString("utf8", end));
    writeSync(file, "\n");
  } catch {
    ftruncateSync(file, end);
  }
}
