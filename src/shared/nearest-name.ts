/** The name that was probably meant: one that differs in a letter or two, or in small and capital letters. */
export function nearestName(text: string, names: readonly string[]): string | undefined {
  const most = text.length < 4 ? 1 : 2;
  let best: string | undefined;
  let least = most + 1;
  for (const name of names) {
    const edits = distance(text.toLowerCase(), name.toLowerCase(), least);
    if (edits < least) [best, least] = [name, edits];
  }
  return best;
}

/** Letters to insert, delete, replace, or swap with their neighbour; `limit` where it is at least that. */
function distance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit;
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1];
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row[j] = Math.min(
        last[j]! + 1,
        row[j - 1]! + 1,
        last[j - 1]! + (isSame ? 0 : 1),
        isSwap ? before[j - 2]! + 1 : Number.POSITIVE_INFINITY,
      );
    }
    [before, last] = [last, row];
  }
  return Math.min(limit, last[b.length]!);
}
