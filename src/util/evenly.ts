/** At most so many of the rows, evenly spaced: the same ones every time. */
export function evenly<Row>(rows: readonly Row[], most: number): Row[] {
  const count = Math.min(most, rows.length);
  return Array.from({ length: count }, (_, i) => rows[Math.floor((i * rows.length) / count)]!);
}
