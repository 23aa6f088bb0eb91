/** Jupyter counts code points, TypeScript counts UTF-16 units: the index in units of a position in points. */
export function toUnits(text: string, points: number): number {
  let units = 0;
  for (let seen = 0; seen < points && units < text.length; seen++)
    units += (text.codePointAt(units) as number) > 0xffff ? 2 : 1;
  return units;
}

/** The position in code points of an index in UTF-16 units. */
export function toPoints(text: string, units: number): number {
  let points = 0;
  for (let at = 0; at < units && at < text.length; points++)
    at += (text.codePointAt(at) as number) > 0xffff ? 2 : 1;
  return points;
}
