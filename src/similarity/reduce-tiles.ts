import type { Found } from "./found.js";
import type { Tile } from "./tile-grid.js";
import { type PassOptions, TilePass } from "./tile-pass.js";
import type { TileQueue } from "./tile-queue.js";

/** Makes the similarities of a tile, row after row. */
export type Product = (tile: Tile, into: Float32Array) => void | Promise<void>;

/** What is looked for in the tiles. */
export type ReduceOptions = Omit<PassOptions, "held" | "size">;

export interface ReduceHooks {
  /** The rows of a strip are whole. */
  onStrip(strip: number): void | Promise<void>;
  afterTile?(): Promise<void>;
}

/** Computes and reduces the tiles of a queue until there are no more. */
export async function reduceTiles(
  queue: TileQueue,
  product: Product,
  options: ReduceOptions,
  { onStrip, afterTile }: ReduceHooks,
): Promise<Found> {
  const { size, from, to, hasRows } = queue.options;
  const pass = new TilePass({ ...options, size, held: { from, to } });
  for (let tile = queue.next(); tile !== null; tile = queue.next()) {
    const { rows, columns } = tile;
    const values = pass.values.subarray(0, (rows.to - rows.from) * (columns.to - columns.from));
    await product(tile, values);
    pass.shareBars(queue.bars, tile);
    pass.reduce(tile);
    pass.shareBars(queue.bars, tile);
    if (hasRows) queue.keep(tile, values);
    if (queue.finish(tile) && hasRows) await onStrip(tile.strip);
    await afterTile?.();
  }
  return pass.found();
}
