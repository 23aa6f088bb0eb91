import type * as TypeScript from "typescript";
import { parse, parseProblems } from "./cell.js";
import { completeness } from "./completeness.js";

type Ts = typeof TypeScript;

/** The code to compile, on the same lines as the cell's text, and whether the whole cell is timed. */
interface Translated {
  code: string;
  isTimed: boolean;
}

const line = /^(?:%(\w+)|(!)(?![!(=])|(\?))\s*(.*)$/;
const trailing = /^([\p{ID_Start}$_][\p{ID_Continue}$.]*)\?$/u;
const cellMagic = /^\s*%%(\w+)[^\S\n]*(.*)\n?/;

/**
 * Turns lines that begin with `%`, `!` or `?` into calls of `__magic__`, wherever TypeScript expects a statement; line
 * numbers stay. A cell that begins with `%%name` is that magic's text.
 *
 * @param isVariable whether cells have declared this name: `!done` is then TypeScript
 */
export function translateMagics(ts: Ts, source: string, isVariable: (name: string) => boolean): Translated {
  const text = source.replaceAll("\r\n", "\n");
  const ofCell = cellMagic.exec(text);
  const isTimed = ofCell?.[1] === "time";
  if (ofCell && !isTimed) {
    const [head, name, rest] = ofCell;
    return { code: call(`%${name}`, rest, text.slice(head.length)), isTimed };
  }
  const lines = (isTimed ? text.replace("%%time", "//") : text).split("\n");
  for (const [i, text] of lines.entries()) {
    const found = line.exec(text);
    const asked = found ? null : trailing.exec(text);
    if (!found && !asked) continue;
    if (found?.[2] && isVariable(/^[\p{ID_Continue}$]*/u.exec(found[4])?.[0] ?? "")) continue;
    if (i === 0 && text.startsWith("#!")) continue;
    // Inside a template, a comment or an open bracket the line is not a statement.
    if (completeness(ts, lines.slice(0, i).join("\n")).status === "incomplete") continue;
    if (asked) lines[i] = call("?", asked[1]);
    else if (found) lines[i] = translate(ts, found);
  }
  return { code: lines.join("\n"), isTimed };
}

function translate(ts: Ts, [, name, bang, , rest]: RegExpExecArray): string {
  if (name === "time") {
    const timed = rest.replace(/;\s*$/, "");
    const isExpression = parseProblems(parse(ts, `(${timed}\n)`)).length === 0;
    if (isExpression) return `await __magic__.time(async () => (${timed}))`;
    return `__magic__.begin(); ${rest}${/[;}]\s*$/.test(rest) ? "" : ";"} __magic__.end();`;
  }
  return call(name ? name : bang ? "!" : "?", rest);
}

const call = (name: string, ...given: string[]) =>
  `await __magic__.run(${[name, ...given].map((text) => JSON.stringify(text)).join(", ")});`;
