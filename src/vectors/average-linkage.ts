/**
 * Groups rows by average linkage: the two groups that are most alike become one, until no two are as alike as
 * `threshold`. How alike two groups are is the mean over all pairs of their rows.
 *
 * @param similarities Float64Array (n * n), symmetric; it is changed
 * @returns the group of each row, from 0 in the order of their first rows
 * @see D. Müllner, Modern hierarchical, agglomerative clustering algorithms, arXiv:1109.2378
 */
export function averageLinkage(similarities: Float64Array, n: number, threshold: number): Uint32Array {
  const into = Int32Array.from({ length: n }, (_, i) => i);
  const sizes = new Float64Array(n).fill(1);
  const alive = new Set(into);
  const nearest = new Int32Array(n);
  const findNearest = (i: number) => {
    nearest[i] = i;
    let best = -Infinity;
    for (const j of alive)
      if (j !== i && similarities[i * n + j] > best) {
        best = similarities[i * n + j];
        nearest[i] = j;
      }
  };
  for (const i of alive) findNearest(i);
  const likeness = (i: number) => (nearest[i] === i ? -Infinity : similarities[i * n + nearest[i]!]);
  while (alive.size > 1) {
    let a = alive.values().next().value!;
    for (const i of alive) if (likeness(i) > likeness(a)) a = i;
    if (likeness(a) < threshold) break;
    const b = nearest[a]!;
    const [kept, gone] = a < b ? [a, b] : [b, a];
    alive.delete(gone);
    into[gone] = kept;
    const [x, y] = [sizes[kept], sizes[gone]];
    sizes[kept] = x + y;
    for (const i of alive) {
      if (i === kept) continue;
      const mean = (x * similarities[i * n + kept] + y * similarities[i * n + gone]) / (x + y);
      similarities[i * n + kept] = mean;
      similarities[kept * n + i] = mean;
    }
    // The mean of two is never above the larger, so only those whose nearest has changed look again.
    for (const i of alive) if (i === kept || nearest[i] === kept || nearest[i] === gone) findNearest(i);
  }
  const root = (i: number): number => (into[i] === i ? i : root(into[i]!));
  const numbers = new Map<number, number>();
  return Uint32Array.from({ length: n }, (_, i) => {
    const group = numbers.get(root(i)) ?? numbers.size;
    numbers.set(root(i), group);
    return group;
  });
}
