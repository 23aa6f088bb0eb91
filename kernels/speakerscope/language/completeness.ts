import type * as TypeScript from "typescript";
import { parse, parseProblems } from "./cell.js";
import type { Completeness } from "./requests.js";

/** Compiler errors for unterminated comments, templates and regular expressions. */
const openEnded = new Set([1010, 1160, 1161]);

/** Whether a cell can be run as it is. */
export function completeness(ts: typeof TypeScript, code: string): Completeness {
  const problems = parseProblems(parse(ts, code));
  if (problems.length === 0) return { status: "complete" };
  const end = code.trimEnd().length;
  const isOpen = problems.every((d) => (d.start ?? 0) >= end || openEnded.has(d.code));
  return isOpen ? { status: "incomplete", indent: indentAfter(code) } : { status: "invalid" };
}

function indentAfter(code: string): string {
  const last = code.trimEnd().split("\n").at(-1) ?? "";
  const indent = /^\s*/.exec(last)?.[0] ?? "";
  return /[{([]\s*$/.test(last) ? `${indent}  ` : indent;
}
