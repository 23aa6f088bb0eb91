import type * as TypeScript from "typescript";
import type { Completion } from "./requests.js";

/** JupyterLab draws every match, and nobody reads more. */
const shownMatches = 500;

/** Completions: first the names that begin with the word at the position, then those that contain it. */
export function ranked(
  code: string,
  position: number,
  found: TypeScript.CompletionInfo | undefined,
): Completion {
  const span = found?.entries.find(({ replacementSpan }) => replacementSpan)?.replacementSpan;
  const before = /#?[\p{ID_Continue}$\u200c\u200d]*$/u.exec(code.slice(0, position))?.[0] ?? "";
  const behind = /^[\p{ID_Continue}$\u200c\u200d]*/u.exec(code.slice(position))?.[0] ?? "";
  const start = span ? span.start : position - before.length;
  const end = span ? span.start + span.length : position + behind.length;
  const word = code.slice(start, end).toLowerCase();
  const rank = (name: string): number => {
    if (name.startsWith(code.slice(start, end))) return 0;
    const at = name.toLowerCase().indexOf(word);
    return at === 0 ? 1 : at > 0 ? 2 : 3;
  };
  const isUnwanted = (folder: string) =>
    folder === "node_modules" || (folder.startsWith(".") && !word.startsWith("."));
  const isRelative = /["'`]\.[^"'`]*$/.test(code.slice(0, position));
  const entries = (found?.entries ?? [])
    .filter(({ name, kind }) => kind !== "directory" || !isRelative || !isUnwanted(name))
    // Packages that hold types alone cannot be imported.
    .filter(({ name }) => !name.startsWith("@types"))
    .map((entry) => ({ ...entry, name: nameOf(entry, isRelative) }))
    .map((entry, index) => ({ ...entry, index, key: `${rank(entry.name)}${entry.sortText}` }))
    .filter(({ key }) => !key.startsWith("3"));
  // Equal rank: keep the compiler's order, or sort by name when nothing was typed, names for internal use last.
  const byName = (a: string, b: string) =>
    Number(/^[$_]/.test(a)) - Number(/^[$_]/.test(b)) || a.localeCompare(b);
  entries.sort((a, b) =>
    a.key < b.key ? -1 : a.key > b.key ? 1 : word ? a.index - b.index : byName(a.name, b.name),
  );
  const shown = entries.slice(0, shownMatches);
  return { matches: shown.map(({ name }) => name), types: shown.map(({ kind }) => kind), start, end };
}

/** A folder beside the notebook, or a scope of packages, goes on behind a slash. */
function nameOf({ name, kind }: TypeScript.CompletionEntry, isRelative: boolean): string {
  return kind === "directory" && (isRelative || /^@[^/]+$/.test(name)) ? `${name}/` : name;
}
