/** Groups of rows that become one, two at a time. Each is known by its first row; at first every row is a group of its own. */
export interface Joining {
  /** How alike two groups are. */
  likeness(a: number, b: number): number;
  /** Puts group b into group a. */
  join(a: number, b: number): void;
}

/** Rows, and how alike groups of them are. */
export interface Voices {
  n: number;
  joining(): Joining;
  /** How alike a row and the rows of a group are, the row itself left out. */
  toGroups(groups: Int32Array): (row: number, group: number) => number;
}

/** Groups numbered from 0: how many there are. */
export const countOf = (groups: Int32Array): number =>
  groups.reduce((count, group) => Math.max(count, group + 1), 0);

/** Int32Array (groups): the rows of each. */
export function sizesOf(groups: Int32Array): Int32Array {
  const sizes = new Int32Array(countOf(groups));
  for (const group of groups) sizes[group]++;
  return sizes;
}
