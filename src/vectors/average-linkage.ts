/** Two clusters that become one, each known by its first row. */
interface Merge {
  /** The smaller of the two rows, by which the new cluster is known. */
  into: number;
  from: number;
  /** The mean over all pairs of their rows. */
  similarity: number;
}

/**
 * The merges of average-linkage clustering, found by nearest-neighbour chains. Each comes after those that made its clusters,
 * but they do not descend in similarity.
 *
 * @param similarities Float64Array (n * n), symmetric; it is changed
 * @see D. Müllner, Modern hierarchical, agglomerative clustering algorithms, arXiv:1109.2378
 */
export function* linkageMerges(similarities: Float64Array, n: number): Generator<Merge> {
  // Rows in a cluster by its first row; 0 for the others.
  const sizes = new Float64Array(n).fill(1);
  const chain: number[] = [];
  for (let merges = 0; merges < n - 1; ) {
    if (chain.length === 0) chain.push(sizes.findIndex((size) => size > 0));
    const tip = chain[chain.length - 1]!;
    const before = chain[chain.length - 2];
    // Ties go to the previous cluster of the chain, or the chain might never end.
    let nearest = before ?? -1;
    let best = before === undefined ? -Infinity : similarities[tip * n + before]!;
    for (let i = 0; i < n; i++) {
      if (i === tip || sizes[i] === 0 || similarities[tip * n + i]! <= best) continue;
      nearest = i;
      best = similarities[tip * n + i]!;
    }
    if (before === undefined || nearest !== before) {
      chain.push(nearest);
      continue;
    }
    chain.length -= 2;
    const [into, from] = tip < before ? [tip, before] : [before, tip];
    yield { into, from, similarity: best };
    const [a, b] = [sizes[into]!, sizes[from]!];
    for (let i = 0; i < n; i++) {
      const mean = (a * similarities[into * n + i]! + b * similarities[from * n + i]!) / (a + b);
      similarities[into * n + i] = mean;
      similarities[i * n + into] = mean;
    }
    sizes[into] = a + b;
    sizes[from] = 0;
    merges++;
  }
}

/**
 * Groups rows by average linkage: the two groups that are most alike become one, until no two are as alike as
 * `threshold`. How alike two groups are is the mean over all pairs of their rows.
 *
 * @param similarities Float64Array (n * n), symmetric; it is changed
 * @returns the group of each row, from 0 in the order of their first rows
 */
export function averageLinkage(similarities: Float64Array, n: number, threshold: number): Uint32Array {
  const parent = Uint32Array.from({ length: n }, (_, i) => i);
  for (const { into, from, similarity } of linkageMerges(similarities, n))
    if (similarity >= threshold) parent[from] = into;
  let count = 0;
  const groups = new Uint32Array(n);
  for (let i = 0; i < n; i++) groups[i] = parent[i] === i ? count++ : groups[parent[i]!]!;
  return groups;
}
