import type { Limits, Reduction } from "./reduction.js";
import { openTilePass } from "./tile-pass.js";
import type { Tile, TileQueue } from "./tile-queue.js";

/** Makes the similarities of a tile, row after row. */
export type Product = (tile: Tile, into: Float32Array) => void | Promise<void>;

/** Computes and reduces the tiles of a queue until there are no more. */
export async function reduceTiles(
  queue: TileQueue,
  product: Product,
  limits: Limits,
  afterTile?: (tile: Tile, values: Float32Array) => Promise<void>,
): Promise<Reduction> {
  const pass = openTilePass(queue.grid, limits);
  for (let tile = queue.next(); tile !== null; tile = queue.next()) {
    const { rows, columns } = tile;
    const values = pass.values.subarray(0, (rows.to - rows.from) * (columns.to - columns.from));
    await product(tile, values);
    pass.shareBars(queue.shared.bars, tile);
    pass.reduce(tile);
    pass.shareBars(queue.shared.bars, tile);
    await afterTile?.(tile, values);
  }
  return pass.result();
}
