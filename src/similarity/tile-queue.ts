import { type GridOptions, type Tile, TileGrid } from "./tile-grid.js";

/** What workers share: memory and numbers alone, so that it can be sent to them. */
export interface SharedQueue {
  /** Tiles taken; 1 when the work is to stop; strips of rows given away; then the tiles left of every strip. */
  state: SharedArrayBuffer;
  /** What a neighbour of each row has to reach, as far as any worker knows. */
  bars: SharedArrayBuffer;
  /** Strips of whole rows on their way out, one after the other in turn; none where rows are not wanted. */
  rows: SharedArrayBuffer;
}

const taken = 0;
const stopped = 1;
const given = 2;
const firstLeft = 3;

/** More than this many values of a strip, and there is memory for one strip only. */
const largeStrip = 1 << 25;

/** Gives out tiles to one worker or several, and collects the rows of the matrix where they are wanted. */
export class TileQueue {
  readonly grid: TileGrid;
  readonly bars: Float32Array;
  readonly slots: number;
  private readonly state: Int32Array;

  constructor(
    readonly options: GridOptions,
    readonly shared: SharedQueue = sharedQueue(options),
  ) {
    this.grid = new TileGrid(options);
    this.state = new Int32Array(shared.state);
    this.bars = new Float32Array(shared.bars);
    this.slots = slotsOf(options);
  }

  /** How many tiles were given out. */
  get taken(): number {
    return Math.min(this.grid.count, Atomics.load(this.state, taken));
  }

  /** The next tile; null when there are no more. Waits while the strips before it are still being given away. */
  next(): Tile | null {
    const t = Atomics.add(this.state, taken, 1);
    if (t >= this.grid.count) return null;
    const tile = this.grid.tile(t);
    for (;;) {
      const done = Atomics.load(this.state, given);
      if (Atomics.load(this.state, stopped) === 1) return null;
      if (!this.options.hasRows || tile.strip < done + this.slots) return tile;
      Atomics.wait(this.state, given, done);
    }
  }

  /** Says that a tile is done; true when it was the last one of its strip. */
  finish({ strip }: Tile): boolean {
    const { first, last } = this.grid.strips[strip];
    return Atomics.add(this.state, firstLeft + strip, 1) + 1 === last - first;
  }

  /** The rows of a strip that count, whole. */
  rowsOf(strip: number): { from: number; to: number; data: Float32Array } {
    const { from, to, m, size } = this.options;
    const { rows } = this.grid.strips[strip];
    const [first, last] = [Math.max(from, rows.from), Math.min(to, rows.to)];
    const offset = 4 * (strip % this.slots) * size * m;
    return {
      from: first,
      to: last,
      data: new Float32Array(this.shared.rows, offset, Math.max(0, last - first) * m),
    };
  }

  /** Copies the values of a tile into its strip. */
  keep({ rows, columns, strip }: Tile, values: Float32Array): void {
    const { from, to, data } = this.rowsOf(strip);
    const width = columns.to - columns.from;
    for (let i = from; i < to; i++) {
      const start = (i - rows.from) * width;
      data.set(values.subarray(start, start + width), (i - from) * this.options.m + columns.from);
    }
  }

  /** Says that the next strip was given away. */
  release(): void {
    Atomics.add(this.state, given, 1);
    Atomics.notify(this.state, given);
  }

  stop(): void {
    Atomics.store(this.state, stopped, 1);
    this.release();
  }
}

function sharedQueue(options: GridOptions): SharedQueue {
  const { n, m, from, to, hasNeighbours, hasRows, size } = options;
  const bars = new SharedArrayBuffer(hasNeighbours ? 4 * (to - from) : 0);
  new Float32Array(bars).fill(-Infinity);
  return {
    state: new SharedArrayBuffer(4 * (firstLeft + Math.ceil(n / size))),
    bars,
    rows: new SharedArrayBuffer(hasRows ? 4 * slotsOf(options) * size * m : 0),
  };
}

const slotsOf = ({ m, size }: GridOptions) => (size * m > largeStrip ? 1 : 2);
