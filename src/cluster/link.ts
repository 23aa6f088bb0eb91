import { breather } from "../similarity/breather.js";

/**
 * Rows in which the likeness of two is a sum of products: (left(i)·right(j) + right(i)·left(j)) / 2. The mean likeness of
 * all pairs from two groups then follows from the sums of their rows, and no pair has to be looked at.
 */
export interface Likeness {
  n: number;
  width: number;
  /** Float32Array (n, width) each. */
  left: Float32Array;
  right: Float32Array;
}

/** The rows nearest to each row: Int32Array (n, k). */
export interface Nearest {
  index: Int32Array;
  k: number;
}

/** Two groups became one. */
export interface Merge {
  /** The first row of each. */
  a: number;
  b: number;
  likeness: number;
}

/**
 * Average linkage among neighbours: the groups that are most alike become one, until none are as alike as `least`. How alike
 * two groups are is the mean over all pairs of their rows; only groups of which some rows are neighbours are compared. The
 * chain of nearest neighbours finds the same groups as looking for the best pair in every step, since joining two
 * groups never makes a third one likelier to join.
 *
 * @returns in no particular order
 * @see D. Müllner, Modern hierarchical, agglomerative clustering algorithms, arXiv:1109.2378
 */
export async function link(
  { n, width, left, right }: Likeness,
  { index, k }: Nearest,
  least: number,
  abortSignal?: AbortSignal,
): Promise<Merge[]> {
  const leftSums = Float64Array.from(left);
  const rightSums = Float64Array.from(right);
  const sizes = new Int32Array(n).fill(1);
  const into = Int32Array.from({ length: n }, (_, i) => i);
  const find = (i: number): number => {
    while (into[i] !== i) {
      into[i] = into[into[i]];
      i = into[i];
    }
    return i;
  };
  const near = symmetric(index, n, k);
  const others = (rows: readonly number[], group: number) => {
    const found = new Set(rows.map(find));
    found.delete(group);
    return [...found];
  };
  const likeness = (a: number, b: number) => {
    let [forth, back] = [0, 0];
    for (let at = a * width, other = b * width, end = at + width; at < end; at++, other++) {
      forth += leftSums[at] * rightSums[other];
      back += rightSums[at] * leftSums[other];
    }
    return (forth + back) / 2 / (sizes[a] * sizes[b]);
  };
  const merges: Merge[] = [];
  const rest = breather(abortSignal);
  const isDone = new Uint8Array(n);
  const chain: number[] = [];
  for (let start = 0; start < n; start++) {
    chain.push(start);
    while (chain.length > 0) {
      await rest();
      const group = chain[chain.length - 1];
      const before = chain[chain.length - 2];
      if (into[group] !== group || isDone[group]) {
        chain.pop();
        continue;
      }
      near[group] = others(near[group], group);
      // The one before wins ties: the likeness grows along the chain, so that it ends.
      let [best, most] = before === undefined ? [-1, -Infinity] : [before, likeness(group, before)];
      for (const other of near[group]) {
        if (isDone[other]) continue;
        const value = likeness(group, other);
        if (value > most) [best, most] = [other, value];
      }
      if (best === -1 || !(most >= least)) {
        isDone[group] = 1;
      } else if (best !== before) {
        chain.push(best);
      } else {
        chain.length -= 2;
        const [a, b] = [Math.min(group, best), Math.max(group, best)];
        merges.push({ a, b, likeness: most });
        for (let r = 0; r < width; r++) {
          leftSums[a * width + r] += leftSums[b * width + r];
          rightSums[a * width + r] += rightSums[b * width + r];
        }
        sizes[a] += sizes[b];
        into[b] = a;
        near[a] = near[a].concat(near[b]);
        near[b] = [];
        if (chain.length === 0) chain.push(a);
      }
    }
  }
  return merges;
}

/** Who is a neighbour of whom, either way round. */
function symmetric(index: Int32Array, n: number, k: number): number[][] {
  const near: number[][] = Array.from({ length: n }, () => []);
  for (let i = 0; i < n; i++)
    for (let r = 0; r < k; r++) {
      const j = index[i * k + r];
      near[i].push(j);
      near[j].push(i);
    }
  return near;
}

/** How many groups there are, numbered from 0. */
export const countOf = (groups: Int32Array): number =>
  groups.reduce((count, group) => Math.max(count, group + 1), 0);

/**
 * The groups that rows are in after some merges, from 0 in the order of their first rows.
 *
 * @returns Int32Array (n)
 */
export function groupsOf(n: number, merges: readonly Merge[]): Int32Array {
  const into = Int32Array.from({ length: n }, (_, i) => i);
  // A group is called by its first row, so that each merge points to a smaller one.
  for (const { a, b } of merges) into[b] = a;
  const groups = new Int32Array(n);
  let count = 0;
  for (let i = 0; i < n; i++) groups[i] = into[i] === i ? count++ : groups[into[i]];
  return groups;
}
