import { SourceMap } from "node:module";

/** From a position in what ran to the position in the cell, both counted from 1; null for code that is nobody's. */
export type MapBack = (line: number, column: number) => [line: number, column: number] | null;

/** tslab puts a line of its own before the cell, which is then line 0 of the source: no more to subtract. */
export function createSourceMapper(maps: string[]): MapBack {
  // Most cells never fail: the maps are read when somebody asks.
  let chain: SourceMap[] | null = null;
  return (line, column) => {
    chain ??= maps.map((text) => new SourceMap(JSON.parse(text)));
    let at = { line: line - 1, column: column - 1 };
    for (const map of chain) {
      const entry = map.findEntry(at.line, at.column);
      if (!("originalLine" in entry) || entry.originalLine === undefined) return null;
      at = { line: entry.originalLine, column: entry.originalColumn };
    }
    return at.line < 1 ? null : [at.line, at.column + 1];
  };
}
