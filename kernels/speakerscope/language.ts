import type * as TypeScript from "typescript";
import type { Completeness, CompletionList } from "./messages.js";
import type { MimeBundle } from "./replies.js";
import type { Session } from "./session.js";

/** More are no help to anybody, and JupyterLab draws each. */
const shownMatches = 500;
const shownSource = 4000;

export function complete(session: Session, code: string, position: number): CompletionList {
  const { start, end, candidates, original } = session.complete(code, position);
  const matches = candidates.slice(0, shownMatches);
  const kinds = new Map<string, string>(original?.entries.map(({ name, kind }) => [name, kind]));
  return { matches, types: matches.map((name) => kinds.get(name) ?? ""), start, end };
}

/**
 * What is known of the name at a position: its type and documentation; with detail 1 also its source and value.
 *
 * Inside a call's parentheses it is the function, as people expect of Shift-Tab.
 */
export function inspectAt(
  session: Session,
  code: string,
  position: number,
  detail: 0 | 1,
): MimeBundle | null {
  for (const at of [position, position - 1, calleeEnd(code, position)]) {
    if (at < 0) continue;
    const info = session.inspect(code, at);
    if (info?.displayParts?.length) return describe(session, code, info, detail);
  }
  return null;
}

function describe(session: Session, code: string, info: TypeScript.QuickInfo, detail: 0 | 1): MimeBundle {
  const signature = textOf(info.displayParts);
  const documentation = textOf(info.documentation);
  const tags = (info.tags ?? []).map((tag) => `@${tag.name} ${textOf(tag.text)}`.trimEnd());
  const sections = [signature, documentation, tags.join("\n")];
  const markdown = [
    `\`\`\`typescript\n${signature}\n\`\`\``,
    documentation,
    tags.map((t) => `*${t}*`).join("\n\n"),
  ];
  if (detail === 1) {
    const { start, length } = info.textSpan;
    const name = code.slice(start, start + length);
    const source = session.declarationAt(start);
    if (source) {
      const text = (source.isCell ? sourceText(session, name) : undefined) ?? source.text;
      const cut = text.length > shownSource ? `${text.slice(0, shownSource)}\n…` : text;
      sections.push(`${source.isCell ? "Source" : `Source (${source.file})`}:\n${cut}`);
      markdown.push(`\`\`\`typescript\n${cut}\n\`\`\``);
    }
  }
  const join = (parts: string[]) => parts.filter(Boolean).join("\n\n");
  return { "text/plain": join(sections), "text/markdown": join(markdown) };
}

/** A function of an earlier cell is known to the compiler only by its signature; its text is in its value. */
function sourceText(session: Session, name: string): string | undefined {
  const value = Object.hasOwn(session.variables, name) ? session.variables[name] : undefined;
  return typeof value === "function" && !/\[native code\]/.test(String(value)) ? String(value) : undefined;
}

const textOf = (parts: readonly { text: string }[] | undefined): string =>
  (parts ?? []).map((part) => part.text).join("");

/** The last character of the function whose call the position stands in; -1 when it stands in none. */
function calleeEnd(code: string, position: number): number {
  let depth = 0;
  for (let at = position - 1; at >= 0; at--) {
    if (code[at] === ")") depth++;
    else if (code[at] === "(" && depth-- === 0) return code.slice(0, at).trimEnd().length - 1;
  }
  return -1;
}

/** Codes of the compiler for comments, strings and templates that do not end. */
const openEnded = new Set([1002, 1010, 1160, 1161]);

/** Whether a cell can be run as it stands. */
export function completeness(ts: typeof TypeScript, code: string): Completeness {
  const problems = parseProblems(ts, code);
  if (problems.length === 0) return { status: "complete" };
  const end = code.trimEnd().length;
  const isOpen = problems.every((d) => (d.start ?? 0) >= end || (openEnded.has(d.code) && d.code !== 1002));
  return isOpen ? { status: "incomplete", indent: indentAfter(code) } : { status: "invalid" };
}

/** The errors of the parser alone. */
export function parseProblems(ts: typeof TypeScript, code: string): TypeScript.Diagnostic[] {
  const file = ts.createSourceFile("cell.ts", code, ts.ScriptTarget.Latest, false, ts.ScriptKind.TS);
  return (file as unknown as { parseDiagnostics: TypeScript.Diagnostic[] }).parseDiagnostics;
}

function indentAfter(code: string): string {
  const lines = code.trimEnd().split("\n");
  const last = lines[lines.length - 1];
  const indent = /^\s*/.exec(last)?.[0] ?? "";
  return /[{([]\s*$/.test(last) ? `${indent}  ` : indent;
}
