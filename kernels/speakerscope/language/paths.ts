import { type Dirent, readdirSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import type * as TypeScript from "typescript";
import { parse } from "./cell.js";
import type { Completion } from "./requests.js";

type Ts = typeof TypeScript;

const shownMatches = 500;

/** A text that may be a path: where it begins and ends in the code, and the quote around it, if it has one. */
interface Place {
  start: number;
  end: number;
  quote: string;
}

/**
 * Completes a path in a string, relative to the working directory. Folders end with a slash; hidden names need their dot.
 * Null where the cursor is in no string.
 */
export function pathInString(ts: Ts, code: string, position: number): Completion | null {
  const place = stringAt(ts, code, position);
  return place && complete(ts, code, position, place);
}

/** The same behind `%cd` and `%load`. */
export function pathOfMagic(ts: Ts, code: string, position: number): Completion | null {
  const place = magicArgument(code, position);
  return place && complete(ts, code, position, place);
}

function complete(ts: Ts, code: string, position: number, place: Place): Completion | null {
  const typed = code.slice(place.start, position);
  const start = place.start + typed.lastIndexOf("/") + 1;
  const [behind] = /^[^/]*/.exec(code.slice(position, place.end)) as RegExpExecArray;
  const end = position + behind.length;
  const folder = textOf(ts, code.slice(place.start, start), place.quote);
  const word = textOf(ts, code.slice(start, position), place.quote);
  if (folder === null || word === null) return null;
  const found = folder === "" && word === "~" ? [{ name: "~", isFolder: true }] : namesIn(folder, word);
  // A slash that stands behind the cursor is replaced, not doubled.
  const hasSlash = code[end] === "/" && end < place.end;
  return {
    matches: found.map(({ name, isFolder }) => quoted(name, place.quote) + (isFolder ? "/" : "")),
    types: found.map(({ isFolder }) => (isFolder ? "directory" : "file")),
    start,
    end: hasSlash ? end + 1 : end,
  };
}

function namesIn(folder: string, word: string): { name: string; isFolder: boolean }[] {
  const path = resolve(folder.replace(/^~(?=\/)/, homedir()) || ".");
  let entries: Dirent[];
  try {
    entries = readdirSync(path, { withFileTypes: true });
  } catch {
    return [];
  }
  const seen = entries.filter(({ name }) => word.startsWith(".") || !name.startsWith("."));
  const exact = seen.filter(({ name }) => name.startsWith(word));
  const close = seen.filter(({ name }) => name.toLowerCase().startsWith(word.toLowerCase()));
  return (exact.length > 0 ? exact : close)
    .map((entry) => ({ name: entry.name, isFolder: isFolder(path, entry) }))
    .sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }))
    .slice(0, shownMatches);
}

const isFolder = (path: string, entry: Dirent): boolean =>
  entry.isDirectory() ||
  (entry.isSymbolicLink() &&
    (statSync(join(path, entry.name), { throwIfNoEntry: false })?.isDirectory() ?? false));

/** The rest of a line that begins with `%cd` or `%load`. */
function magicArgument(code: string, position: number): Place | null {
  const begin = code.lastIndexOf("\n", position - 1) + 1;
  const found = /^%(?:cd|load)\s+/.exec(code.slice(begin, position));
  if (!found) return null;
  const end = code.indexOf("\n", position);
  return { start: begin + found[0].length, end: end < 0 ? code.length : end, quote: "" };
}

/** The string around the position; not one that names a module, which the compiler completes. */
function stringAt(ts: Ts, code: string, position: number): Place | null {
  let found: Place | null = null;
  const visit = (node: TypeScript.Node, parent: TypeScript.Node): void => {
    if (node.pos > position || node.end < position) return;
    if (!ts.isStringLiteralLike(node)) {
      ts.forEachChild(node, (child) => visit(child, node));
      return;
    }
    const start = node.getStart(file) + 1;
    const isOpen = (node as { isUnterminated?: boolean }).isUnterminated === true;
    const end = isOpen ? node.end : node.end - 1;
    if (position >= start && position <= end && !isModuleName(ts, parent))
      found = { start, end, quote: code[start - 1] };
  };
  const file = parse(ts, code);
  visit(file, file);
  return found;
}

function isModuleName(ts: Ts, parent: TypeScript.Node): boolean {
  if (ts.isImportDeclaration(parent) || ts.isExportDeclaration(parent)) return true;
  if (ts.isExternalModuleReference(parent)) return true;
  if (!ts.isCallExpression(parent)) return false;
  const { expression } = parent;
  return (
    expression.kind === ts.SyntaxKind.ImportKeyword ||
    (ts.isIdentifier(expression) && expression.text === "require")
  );
}

/** What stands in a string, without its escapes; null within an escape. */
function textOf(ts: Ts, raw: string, quote: string): string | null {
  if (!raw.includes("\\") || quote === "") return raw;
  const [statement] = parse(ts, `(${quote}${raw}${quote})`).statements;
  const inner = statement && ts.isExpressionStatement(statement) ? statement.expression : undefined;
  const literal = inner && ts.isParenthesizedExpression(inner) ? inner.expression : undefined;
  return literal && ts.isStringLiteralLike(literal) ? literal.text : null;
}

/** A name as it has to stand in a string with this quote. */
function quoted(name: string, quote: string): string {
  if (quote === "") return name;
  const escaped = name.replace(/[\\\n\r\u2028\u2029]/g, (char) => JSON.stringify(char).slice(1, -1));
  return escaped.replaceAll(quote, `\\${quote}`).replaceAll("${", quote === "`" ? "\\${" : "${");
}
