import type { Matrix } from "../types.js";

/** Features that wait for others of their length take this much at most: some 300 utterances of 7 s. */
const waitingBytes = 64 << 20;

/** Items that wait until enough of them have equally many frames to go through a GPU together. */
export interface Waiting<Item> {
  /** Takes one more, and gives back those that should run now: none, or some of one length. */
  add(item: Item): Item[];
  /** Those that are left, the ones of a length together. */
  rest(): Item[][];
}

/**
 * Gathers by frame count: `batchSize` of a length run as soon as they are there, and when all that waits takes too much memory,
 * the length that has the most of them, of several the one that came first.
 */
export function byLength<Item extends { features: Matrix }>(
  batchSize: number,
  mostBytes = waitingBytes,
): Waiting<Item> {
  const lengths = new Map<number, Item[]>();
  let bytes = 0;

  const take = (rows: number): Item[] => {
    const items = lengths.get(rows)!;
    lengths.delete(rows);
    for (const { features } of items) bytes -= features.data.byteLength;
    return items;
  };
  return {
    add(item) {
      const { rows, data } = item.features;
      const items = lengths.get(rows) ?? [];
      lengths.set(rows, items);
      items.push(item);
      bytes += data.byteLength;
      if (items.length >= batchSize) return take(rows);
      if (bytes <= mostBytes) return [];
      const most = Math.max(...[...lengths.values()].map(({ length }) => length));
      return take([...lengths].find(([, { length }]) => length === most)![0]);
    },
    rest: () => [...lengths.keys()].map(take),
  };
}
