import { throwIfAborted } from "../errors.js";
import type { Matrix, Pair } from "../types.js";
import type { Backend } from "./backend.js";
import { BestPairs, byRank } from "./best-pairs.js";
import { type Block, blocksOf, disposeBlocks, gridOf, products, type Tile } from "./blocks.js";
import { GraphReducer } from "./graph-reducer.js";
import { fineBins, histogramOfFine } from "./histogram.js";
import { type Bracket, fineBracket, likelyBracket, MedianFinder } from "./median.js";
import type { Neighbours } from "./neighbours.js";
import { ScanReducer } from "./scan-reducer.js";
import type { Share } from "./share.js";
import type { SimilarityOptions, SimilarityResult } from "./similarity.js";
import { meanAndStd, scaleFor } from "./sums.js";
import type { TileReducer } from "./tile-reducer.js";
import { TileScan } from "./tile-scan.js";
import { emptyStatistics, type TileStatistics } from "./tile-statistics.js";
import type { UnitRows } from "./unit-rows.js";

interface Settings extends SimilarityOptions {
  threshold: number;
  topK: number;
  maxPairs: number;
  matrix: boolean;
  from: number;
  to: number;
}

interface Range {
  from: number;
  to: number;
}

/** A tile to compute, and what it is for. */
interface Task {
  rows: Block;
  columns: Block;
  /** Rows whose values are pairs of the result, and whose neighbours are looked for among the columns. */
  counted: Range;
  /** Columns whose neighbours are looked for among the rows. */
  mirrored: Range;
}

interface Blocks {
  rows: Block[];
  columns: Block[];
}

/** Rows a tile: large enough that the calls do not count, small enough for the cache. */
const tileRows = (chosen: Backend) => (chosen.gpu ? 4096 : chosen.name === "tensorflow" ? 1024 : 512);

/** One comparison of rows with rows, from blocks to result. */
export class Comparison {
  private readonly self: boolean;
  private readonly pairs: BestPairs;
  private readonly bracket: Bracket;
  private readonly statistics: TileStatistics;
  private lastBreath = performance.now();

  constructor(
    private readonly first: UnitRows,
    private readonly second: UnitRows,
    private readonly chosen: Backend,
    private readonly settings: Settings,
  ) {
    const { threshold, maxPairs } = settings;
    this.self = first === second;
    this.pairs = new BestPairs(threshold, maxPairs);
    this.bracket = this.likelyBracket();
    const scale = scaleFor(this.pairsOf({ from: 0, to: first.n }));
    this.statistics = emptyStatistics(new MedianFinder(this.bracket), threshold, scale);
  }

  /** Computes the share of the result that the rows of the range have in it. */
  async share(): Promise<Share & { matrix?: Matrix }> {
    const { settings, statistics } = this;
    const { from, to, topK } = settings;
    const others = Math.max(0, this.self ? this.second.n - 1 : this.second.n);
    const scan = new TileScan(tileRows(this.chosen), { from, to, k: Math.min(topK, others) });
    const matrix = await this.withTiles(scan, (blocks, reducer) => this.pass(blocks, reducer));
    return {
      from,
      to,
      fine: statistics.fine,
      lowest: statistics.lowest,
      highest: statistics.highest,
      highPairs: statistics.highPairs,
      sum: statistics.sum,
      squares: statistics.squares,
      pairs: this.pairs.sorted(),
      median: statistics.finder.share(),
      neighbours: topK > 0 ? scan.neighbours() : undefined,
      matrix,
    };
  }

  /** The result that shares come to: those of neighbouring row ranges, in order. */
  async result(shares: readonly Share[]): Promise<SimilarityResult> {
    const { first, settings, statistics, pairs } = this;
    const finder = new MedianFinder(this.bracket);
    Object.assign(statistics, emptyStatistics(finder, settings.threshold, statistics.scale));
    for (const share of shares) {
      for (let f = 0; f < fineBins; f++) statistics.fine[f] += share.fine[f];
      statistics.lowest = Math.min(statistics.lowest, share.lowest);
      statistics.highest = Math.max(statistics.highest, share.highest);
      statistics.highPairs += share.highPairs;
      statistics.sum += share.sum;
      statistics.squares += share.squares;
      finder.absorb(share.median);
    }
    const count = this.pairsOf(settings);
    const { mean, std } = meanAndStd(statistics, count, statistics.scale);
    const median = count > 0 ? await this.median(finder, count) : Number.NaN;
    const or = (value: number) => (count > 0 ? value : Number.NaN);
    return {
      keys: first.keys,
      againstKeys: this.self ? undefined : this.second.keys,
      n: first.n,
      dimension: first.dimension,
      backend: this.chosen.name,
      statistics: {
        mean: or(mean),
        std: or(std),
        min: or(statistics.lowest),
        max: or(statistics.highest),
        median,
        totalPairs: count,
        highPairs: statistics.highPairs,
        threshold: settings.threshold,
      },
      histogram: histogramOfFine(statistics.fine),
      pairs: bestOf(
        shares.map((share) => share.pairs),
        pairs.limit,
      ),
      neighbours: joinedNeighbours(shares),
      rowRange: [settings.from, settings.to],
    };
  }

  private async withTiles<T>(scan: TileScan, job: (blocks: Blocks, reducer: TileReducer) => Promise<T>) {
    const blocks = this.blocks();
    const { gpu, tf } = this.chosen;
    const reducer = gpu ? new GraphReducer(tf, scan) : new ScanReducer(scan);
    try {
      return await job(blocks, reducer);
    } finally {
      disposeBlocks(new Set([...blocks.rows, ...blocks.columns]));
      reducer.dispose();
    }
  }

  /** Pairs of the rows [from, to). */
  private pairsOf({ from, to }: Range): number {
    const rows = to - from;
    if (!this.self) return rows * this.second.n;
    return rows * (this.first.n - from) - (rows * (rows + 1)) / 2;
  }

  private blocks(): Blocks {
    const { first, second, chosen, self } = this;
    const grid = gridOf(tileRows(chosen));
    const cut = blocksOf(chosen.tf, first, grid);
    if (self) return { rows: cut, columns: cut };
    const rows = cut.filter((block) => lengthOf(this.inRange(block)) > 0);
    disposeBlocks(cut.filter((block) => !rows.includes(block)));
    return { rows, columns: blocksOf(chosen.tf, second, grid) };
  }

  /** The part of the rows that was asked for. */
  private inRange({ from, to }: Range): Range {
    const start = Math.max(from, this.settings.from);
    return { from: start, to: Math.max(start, Math.min(to, this.settings.to)) };
  }

  /**
   * Neighbours of a row are looked for in ascending order of the others, whatever the row range: so equal similarities
   * always come out in the same order. A tile above the diagonal serves its rows and its columns.
   */
  private tasks({ rows, columns }: Blocks): Task[] {
    const { self, settings } = this;
    const tasks: Task[] = [];
    for (const block of rows)
      for (const other of columns) {
        if (self && other.from < block.from) continue;
        const counted = this.inRange(block);
        const mirrored = self && settings.topK > 0 ? this.inRange(other) : { from: 0, to: 0 };
        if (lengthOf(counted) + lengthOf(mirrored) > 0)
          tasks.push({ rows: block, columns: other, counted, mirrored });
      }
    return tasks;
  }

  private async pass(blocks: Blocks, reducer: TileReducer) {
    const { first, second, settings } = this;
    const { from, to, onProgress, onRows } = settings;
    const tasks = this.tasks(blocks);
    const area = ({ rows, columns }: Task) => (rows.to - rows.from) * (columns.to - columns.from);
    const total = tasks.reduce((sum, task) => sum + area(task), 0);
    const whole = settings.matrix ? new Float32Array((to - from) * second.n) : null;
    const keepsRows = whole !== null || onRows !== undefined;
    const stripSize = keepsRows && whole === null ? Math.min(tileRows(this.chosen), to - from) * second.n : 0;
    // One is filled while the other is given away, unless they are large.
    const strips = Array.from({ length: stripSize > 1 << 25 ? 1 : 2 }, () => new Float32Array(stripSize));
    let strip: Matrix | null = null;
    let given: Promise<void> = Promise.resolve();
    let done = 0;
    onProgress?.({ stage: "similarity", done, total });
    try {
      for (const task of tasks) {
        const { rows, columns, counted } = task;
        const tile = this.tile(rows, columns);
        try {
          this.reduce(tile, task, reducer);
          if (keepsRows && lengthOf(counted) > 0) {
            strip ??= whole ? this.strip(counted, whole, from) : this.strip(counted, strips[0], counted.from);
            this.copy(reducer.values(tile), tile, strip);
          }
        } finally {
          tile.tensor.dispose();
        }
        if (strip !== null && columns.to === second.n) {
          if (this.self) this.fillLeft(strip, rows, blocks.columns);
          await given;
          given = Promise.resolve(onRows?.(strip, counted.from));
          // It is awaited later.
          given.catch(() => {});
          if (strips.length === 1) await given;
          strip = null;
          strips.reverse();
        }
        done += area(task);
        onProgress?.({ stage: "similarity", done, total });
        await this.breathe();
      }
      await given;
    } finally {
      // Whoever is told of a failure may take away what is still being written.
      await given.catch(() => {});
    }
    return whole === null
      ? undefined
      : { data: whole, rows: to - from, columns: first.n === 0 ? 0 : second.n };
  }

  /** The rows of a block, to be filled: a part of a matrix that begins with row `first`. */
  private strip({ from, to }: Range, matrix: Float32Array, first: number): Matrix {
    const columns = this.second.n;
    return {
      data: matrix.subarray((from - first) * columns, (to - first) * columns),
      rows: to - from,
      columns,
    };
  }

  private copy(values: Float32Array, { rows, columns, counted }: Tile, strip: Matrix): void {
    const width = columns.to - columns.from;
    for (let i = counted.from; i < counted.to; i++) {
      const start = (i - rows.from) * columns.size;
      const row = values.subarray(start, start + width);
      strip.data.set(row, (i - counted.from) * strip.columns + columns.from);
    }
  }

  /** What is left of the diagonal was computed as part of other rows: computing it again is cheaper than keeping it. */
  private fillLeft(strip: Matrix, rows: Block, columns: Block[]): void {
    for (const other of columns.filter(({ from }) => from < rows.from)) {
      const tile = this.tile(rows, other);
      this.copy(tile.tensor.dataSync() as Float32Array, tile, strip);
      tile.tensor.dispose();
    }
  }

  private tile(rows: Block, columns: Block): Tile {
    return { tensor: products(this.chosen.tf, rows, columns), rows, columns, counted: this.inRange(rows) };
  }

  private reduce(tile: Tile, { counted, mirrored }: Task, reducer: TileReducer): void {
    const { pairs, settings, statistics } = this;
    const bound = lengthOf(counted) > 0 ? reducer.addTo(statistics, tile) : -Infinity;
    if (settings.topK === 0 && bound < pairs.floor) return;
    const onPair = (i: number, j: number, value: number) => {
      if (value >= pairs.floor) pairs.add(i, j, value);
    };
    reducer.search(tile, { mirrored, floor: pairs.floor, onPair });
  }

  /** As a rule the first pass has seen the median; else it is looked for once more, in another or a narrower bracket. */
  private async median(finder: MedianFinder, count: number): Promise<number> {
    let below = 0;
    for (let f = 0; f < fineBins && fineBracket(f, f).low < finder.low; f++) below += this.statistics.fine[f];
    let result = finder.result(count, below);
    while (result === null || "bracket" in result) {
      const { bracket, below: less } = result ?? this.medianBins(count);
      const other = new MedianFinder(bracket);
      const scan = new TileScan(tileRows(this.chosen));
      await this.withTiles(scan, (blocks, reducer) => this.look(other, blocks, reducer));
      result = other.result(count, less);
    }
    return result.median;
  }

  private async look(finder: MedianFinder, blocks: Blocks, reducer: TileReducer): Promise<void> {
    for (const { rows, columns, counted } of this.tasks(blocks)) {
      if (lengthOf(counted) === 0) continue;
      const tile = this.tile(rows, columns);
      reducer.findMedian(finder, tile);
      tile.tensor.dispose();
      await this.breathe();
    }
  }

  /** The fine bin in which the middle lies, or the two. */
  private medianBins(count: number): { bracket: Bracket; below: number } {
    const { fine } = this.statistics;
    const find = (rank: number) => {
      let f = 0;
      let before = 0;
      while (rank >= before + fine[f]) before += fine[f++];
      return { f, before };
    };
    const lower = find(Math.floor((count - 1) / 2));
    return { bracket: fineBracket(lower.f, find(Math.floor(count / 2)).f), below: lower.before };
  }

  /** Of all pairs, whatever the row range: shares can only be joined when they looked at the same bracket. */
  private likelyBracket(): Bracket {
    const [n, m] = [this.first.n, this.second.n];
    const total = this.pairsOf({ from: 0, to: n });
    if (total === 0) return { low: -2, high: 2 };
    const pick = (x: number, y: number): [number, number] => {
      if (!this.self) return [Math.floor(x * n), Math.floor(y * m)];
      const i = Math.floor(x * n);
      const j = Math.floor(y * (n - 1));
      return [i, j < i ? j : j + 1];
    };
    return likelyBracket(this.first, this.second, { total, pick });
  }

  /** Lets the process answer (progress, an interrupt) now and then. */
  private async breathe(): Promise<void> {
    if (performance.now() - this.lastBreath < 50) return;
    await new Promise((resolve) => setImmediate(resolve));
    this.lastBreath = performance.now();
    throwIfAborted("similarity", this.settings.abortSignal);
  }
}

const lengthOf = ({ from, to }: Range) => to - from;

function bestOf(lists: readonly (readonly Pair[])[], limit: number): Pair[] {
  const pairs = lists.flat();
  return (lists.length > 1 ? pairs.sort(byRank) : pairs).slice(0, limit);
}

function joinedNeighbours(shares: readonly Share[]): Neighbours | undefined {
  const lists = shares.flatMap(({ neighbours }) => neighbours ?? []);
  if (lists.length <= 1) return lists[0];
  const { k } = lists[0];
  const length = lists.reduce((sum, { index }) => sum + index.length, 0);
  const joint = { k, index: new Int32Array(length), score: new Float32Array(length) };
  let at = 0;
  for (const { index, score } of lists) {
    joint.index.set(index, at);
    joint.score.set(score, at);
    at += index.length;
  }
  return joint;
}
