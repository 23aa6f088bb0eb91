/** How many rows fall under each key, keys in the order of their first row. */
export function countBy<Row>(rows: Iterable<Row>, key: (row: Row) => string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const row of rows) counts.set(key(row), (counts.get(key(row)) ?? 0) + 1);
  return counts;
}
