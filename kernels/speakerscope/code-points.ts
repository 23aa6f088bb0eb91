/** Jupyter counts code points, TypeScript counts UTF-16 units: the index in units of a position in points. */
export const toUnits = (text: string, points: number): number =>
  Array.from(text).slice(0, Math.max(0, points)).join("").length;

/** The position in code points of an index in UTF-16 units. */
export const toPoints = (text: string, units: number): number => Array.from(text.slice(0, units)).length;
