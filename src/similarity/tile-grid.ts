export interface Range {
  from: number;
  to: number;
}

/** A tile of similarities, and what it is for. */
export interface Tile {
  rows: Range;
  columns: Range;
  /** True on the diagonal, where only the values right of it are pairs. */
  diagonal: boolean;
  /** Rows whose values are pairs of the result, and which look for neighbours among the columns. */
  counted: Range;
  /** Columns that look for neighbours among the rows. */
  seeking: Range;
  /** Number of the strip of whole rows that it belongs to. */
  strip: number;
}

export interface GridOptions {
  /** Rows, and the rows they are compared with. */
  n: number;
  m: number;
  /** True when rows are compared with each other: then the upper triangle is enough. */
  self: boolean;
  /** Rows that the result is about. */
  from: number;
  to: number;
  /** Neighbours are looked for. */
  hasNeighbours: boolean;
  /** Whole rows of the matrix are wanted, so what lies left of the diagonal is computed too. */
  hasRows: boolean;
  /** Rows and columns of a tile. */
  size: number;
}

interface Strip {
  rows: Range;
  /** Blocks of columns. */
  first: number;
  last: number;
  /** Tiles in the strips before. */
  before: number;
}

/**
 * The tiles that a comparison consists of, in strips of rows. They lie on one grid whatever part of the rows is asked for,
 * because the last bits of a product depend on the shape of its tile: so a share of the rows has the values of the whole.
 */
export class TileGrid {
  readonly strips: Strip[] = [];
  readonly count: number = 0;
  private current = 0;

  constructor(readonly options: GridOptions) {
    const { n, m, self, from, to, hasNeighbours, hasRows, size } = options;
    for (let row = 0; row < n; row += size) {
      const rows = { from: row, to: Math.min(n, row + size) };
      const isCounted = rows.from < to && rows.to > from;
      const start = self && !(hasRows && isCounted) ? row / size : 0;
      // Rows that do not count are only needed where rows that do look for neighbours.
      const first = isCounted ? start : Math.max(start, Math.floor(from / size));
      const last = isCounted ? Math.ceil(m / size) : self && hasNeighbours ? Math.ceil(to / size) : 0;
      if (from >= to || first >= last) continue;
      this.strips.push({ rows, first, last, before: this.count });
      this.count += last - first;
    }
  }

  /** Tile t; quick when t rises from call to call. */
  tile(t: number): Tile {
    if (this.strips[this.current].before > t) this.current = 0;
    while (this.current + 1 < this.strips.length && this.strips[this.current + 1].before <= t) this.current++;
    const { m, self, from, to, hasNeighbours, size } = this.options;
    const { rows, first, before } = this.strips[this.current];
    const column = (first + t - before) * size;
    const columns = { from: column, to: Math.min(m, column + size) };
    const none = { from: 0, to: 0 };
    const within = ({ from: a, to: b }: Range) =>
      a < to && b > from ? { from: Math.max(a, from), to: Math.min(b, to) } : none;
    const isLeft = self && column < rows.from;
    return {
      rows,
      columns,
      diagonal: self && column === rows.from,
      counted: isLeft ? none : within(rows),
      seeking: self && hasNeighbours && !isLeft ? within(columns) : none,
      strip: this.current,
    };
  }
}
