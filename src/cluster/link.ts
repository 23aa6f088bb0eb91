import { breather } from "../similarity/breather.js";
import type { Voices } from "./voices.js";

/** The rows nearest to each row: Int32Array (n, k). */
export interface Nearest {
  index: Int32Array;
  k: number;
}

/** The groups that the neighbours of a row are in. */
export const groupsNear = ({ index, k }: Nearest, groups: Int32Array, row: number): Set<number> =>
  new Set(index.subarray(row * k, (row + 1) * k).map((other) => groups[other]));

/** Two groups became one. */
export interface Merge {
  /** The first row of each. */
  a: number;
  b: number;
  likeness: number;
}

/**
 * Joins groups among neighbours: in every step the two that are most alike become one, until none are as alike as `least` or
 * there are `count` groups. Only groups of which some rows are neighbours are compared.
 *
 * Every group has a list of its neighbours and how alike they are, so that a step compares no more than the joined group
 * with its own; a heap has the best of each list.
 *
 * @returns in the order in which they were made
 */
export async function link(
  voices: Voices,
  nearest: Nearest,
  { least = -Infinity, count = 1 }: { least?: number; count?: number },
  abortSignal?: AbortSignal,
): Promise<Merge[]> {
  const { n } = voices;
  const { likeness, join } = voices.joining();
  const rest = breather(abortSignal, "Clustering");
  const near = symmetric(nearest, n);
  const alike: number[][] = [];
  const best = new Int32Array(n).fill(-1);
  const most = new Float64Array(n).fill(-Infinity);
  const heap = new Heap();
  const choose = (group: number) => {
    best[group] = -1;
    most[group] = -Infinity;
    near[group].forEach((other, at) => {
      const value = alike[group][at];
      if (value > most[group] || (value === most[group] && other < best[group]))
        [best[group], most[group]] = [other, value];
    });
    if (most[group] >= least) heap.push(most[group], group);
  };
  for (let i = 0; i < n; i++) {
    await rest();
    // Of each pair one half is copied from the other.
    alike[i] = near[i].map((j) => (j < i ? alike[j][near[j].indexOf(i)] : likeness(i, j)));
    choose(i);
  }
  const merges: Merge[] = [];
  const seen = new Int32Array(n).fill(-1);
  while (n - merges.length > count) {
    await rest();
    const top = heap.pop();
    if (top === undefined) break;
    const [value, group] = top;
    // A group that has gone, or whose best is another by now.
    if (value !== most[group]) continue;
    const [a, b] = group < best[group] ? [group, best[group]] : [best[group], group];
    merges.push({ a, b, likeness: value });
    join(a, b);
    const others: number[] = [];
    for (const old of [a, b])
      for (const other of near[old]) {
        if (other === a || other === b) continue;
        const at = near[other].indexOf(old);
        if (seen[other] === merges.length) {
          near[other].splice(at, 1);
          alike[other].splice(at, 1);
        } else {
          seen[other] = merges.length;
          others.push(other);
          near[other][at] = a;
        }
      }
    near[b] = alike[b] = [];
    most[b] = -Infinity;
    near[a] = others;
    alike[a] = others.map((other) => likeness(a, other));
    choose(a);
    others.forEach((other, i) => {
      const value = alike[a][i];
      alike[other][near[other].indexOf(a)] = value;
      if (best[other] === a || best[other] === b) choose(other);
      else if (value > most[other] || (value === most[other] && a < best[other])) {
        [best[other], most[other]] = [a, value];
        if (value >= least) heap.push(value, other);
      }
    });
  }
  return merges;
}

/** Who is a neighbour of whom, either way round. */
function symmetric({ index, k }: Nearest, n: number): number[][] {
  const near = Array.from({ length: n }, (_, i) => Array.from(index.subarray(i * k, (i + 1) * k)));
  for (let i = 0; i < n; i++)
    for (let r = 0; r < k; r++) {
      const j = index[i * k + r];
      if (!index.subarray(j * k, (j + 1) * k).includes(i)) near[j].push(i);
    }
  return near;
}

/** The largest value comes out first; of equal ones, that of the smallest group. */
class Heap {
  private readonly values: number[] = [];
  private readonly groups: number[] = [];

  push(value: number, group: number): void {
    let at = this.values.length;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (!this.isBefore(value, group, above)) break;
      this.values[at] = this.values[above];
      this.groups[at] = this.groups[above];
      at = above;
    }
    this.values[at] = value;
    this.groups[at] = group;
  }

  pop(): [value: number, group: number] | undefined {
    if (this.values.length === 0) return undefined;
    const top: [number, number] = [this.values[0], this.groups[0]];
    const value = this.values.pop()!;
    const group = this.groups.pop()!;
    const size = this.values.length;
    if (size === 0) return top;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= size) break;
      if (below + 1 < size && this.isBefore(this.values[below + 1], this.groups[below + 1], below)) below++;
      if (this.isBefore(value, group, below)) break;
      this.values[at] = this.values[below];
      this.groups[at] = this.groups[below];
      at = below;
    }
    this.values[at] = value;
    this.groups[at] = group;
    return top;
  }

  private isBefore(value: number, group: number, at: number): boolean {
    return value > this.values[at] || (value === this.values[at] && group < this.groups[at]);
  }
}

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

/**
 * As `groupsOf`, but without the last merge into each group: the two parts that it was made of.
 *
 * @returns Int32Array (n)
 */
export function partsOf(n: number, merges: readonly Merge[]): Int32Array {
  const last = new Map(merges.map((merge) => [merge.a, merge]));
  // What became part of another group was not the last.
  for (const { b } of merges) last.delete(b);
  const lasts = new Set(last.values());
  return groupsOf(
    n,
    merges.filter((merge) => !lasts.has(merge)),
  );
}
