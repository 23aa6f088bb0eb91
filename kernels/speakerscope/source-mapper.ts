import { SourceMap } from "node:module";

/** From a position in what ran to the position in the source, both counted from 1; null for code that is nobody's. */
export type MapBack = (line: number, column: number) => [line: number, column: number] | null;

export function createSourceMapper(text: string): MapBack {
  // Most cells never fail: the map is read when somebody asks.
  let map: SourceMap | null = null;
  return (line, column) => {
    map ??= new SourceMap(JSON.parse(text));
    const entry = map.findEntry(line - 1, column - 1);
    if (!("originalLine" in entry) || entry.originalLine === undefined) return null;
    return [entry.originalLine + 1, entry.originalColumn + 1];
  };
}
