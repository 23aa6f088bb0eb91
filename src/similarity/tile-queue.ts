export interface Range {
  from: number;
  to: number;
}

/** A tile of similarities, and what is wanted of it. */
export interface Tile {
  rows: Range;
  columns: Range;
  /** True on the diagonal, where only the values right of it are pairs. */
  diagonal: boolean;
  /** Rows whose values are pairs of the result, and which look for neighbours among the columns. */
  counted: Range;
  /** Columns that look for neighbours among the rows. */
  seeking: Range;
}

/** What is to be compared. */
export interface Grid {
  /** Rows, and the rows they are compared with. */
  n: number;
  m: number;
  /** True when rows are compared with each other: then the upper triangle is enough. */
  self: boolean;
  /** Rows that the result is about. */
  from: number;
  to: number;
  /** Neighbours a row. */
  k: number;
  /** Whole rows are wanted, so tiles left of the diagonal are computed too. */
  wholeRows: boolean;
  /** Rows and columns of a tile. */
  size: number;
}

/** What workers share; both lie in shared memory. */
export interface SharedQueue {
  /** Int32Array (2): how many tiles were taken, and 1 when the work is to stop. */
  state: Int32Array;
  /** Float32Array (rows): the similarity that a neighbour of each has to reach, as far as any worker knows. */
  bars: Float32Array;
}

/**
 * Hands out the tiles of a comparison, row by row, to one or more workers. All tiles lie on one grid, whichever rows are
 * asked for: the last bits of a product depend on the shape of its tile, so a range of rows gets the values of a full run.
 */
export class TileQueue {
  readonly count: number = 0;
  /** Strips of tiles: the rows, the first block of columns, and the tiles before. */
  private readonly strips: { row: number; first: number; before: number }[] = [];
  private strip = 0;

  constructor(
    readonly grid: Grid,
    readonly shared: SharedQueue = sharedQueue(grid),
  ) {
    const { n, m, self, from, to, k, wholeRows, size } = grid;
    for (let row = 0; row < n && from < to; row += size) {
      const isCounted = row < to && row + size > from;
      const start = self && !(wholeRows && isCounted) ? row / size : 0;
      // Rows that do not count are only needed where rows that do look for neighbours.
      const first = isCounted ? start : Math.max(start, Math.floor(from / size));
      const last = isCounted ? Math.ceil(m / size) : self && k > 0 ? Math.ceil(to / size) : 0;
      if (first >= last) continue;
      this.strips.push({ row, first, before: this.count });
      this.count += last - first;
    }
  }

  /** How many tiles were given out. */
  get taken(): number {
    return Math.min(this.count, Atomics.load(this.shared.state, 0));
  }

  /** The next tile; null when there are no more. */
  next(): Tile | null {
    const t = Atomics.add(this.shared.state, 0, 1);
    if (t >= this.count || Atomics.load(this.shared.state, 1) === 1) return null;
    while (this.strip + 1 < this.strips.length && this.strips[this.strip + 1].before <= t) this.strip++;
    const { n, m, self, from, to, k, size } = this.grid;
    const { row, first, before } = this.strips[this.strip];
    const column = (first + t - before) * size;
    const rows = { from: row, to: Math.min(n, row + size) };
    const columns = { from: column, to: Math.min(m, column + size) };
    const none = { from: 0, to: 0 };
    const inRange = (part: Range) =>
      part.from < to && part.to > from
        ? { from: Math.max(part.from, from), to: Math.min(part.to, to) }
        : none;
    const isLeft = self && column < row;
    return {
      rows,
      columns,
      diagonal: self && column === row,
      counted: isLeft ? none : inRange(rows),
      seeking: self && k > 0 && !isLeft ? inRange(columns) : none,
    };
  }

  /** Makes every worker stop after its current tile. */
  stop(): void {
    Atomics.store(this.shared.state, 1, 1);
  }
}

function sharedQueue({ from, to, k }: Grid): SharedQueue {
  const bars = new Float32Array(new SharedArrayBuffer(k > 0 ? 4 * (to - from) : 0)).fill(-Infinity);
  return { state: new Int32Array(new SharedArrayBuffer(8)), bars };
}
