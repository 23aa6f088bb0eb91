import { invalid, throwIfAborted } from "../errors.js";
import type { Histogram, LongTask, Matrix, Pair, SimilarityStatistics } from "../types.js";
import { type Backend, backend, withBackend } from "./backend.js";
import { BestPairs } from "./best-pairs.js";
import { type Block, blocksOf, maskOf } from "./blocks.js";
import { bins, emptyHistogram, leastFloatFrom } from "./histogram.js";
import { type Bracket, likelyBracket, MedianFinder } from "./median.js";
import { crossMoments, type Moments, pairMoments } from "./moments.js";
import { NearestRows, type Neighbours } from "./nearest-rows.js";
import { groupSize, TileReducer } from "./tile-reducer.js";
import { type Rows, type UnitRows, unitRows } from "./unit-rows.js";

export interface SimilarityOptions extends LongTask {
  /** From here on a pair is listed and counted as high. */
  threshold?: number;
  /** Neighbours to find for every row; 0 for none. */
  topK?: number;
  /** Keep the n x n matrix in memory; by default up to 2,000 rows. */
  matrix?: boolean;
  /** The list of pairs ends with the most similar so many; the count goes on. */
  maxPairs?: number;
  /** Compare with these rows instead of with each other. */
  against?: Rows;
  /** Only the pairs whose first row is in [from, to): a share of the work, see `mergeSimilarity`. */
  rowRange?: [from: number, to: number];
  /** Forces a backend of tfjs: tensorflow, wasm or cpu; by default the fastest there is. */
  backend?: string;
  /** Receives the matrix in blocks of whole rows, in order. */
  onRows?: (block: Matrix, firstRow: number) => void | Promise<void>;
}

export interface SimilarityResult {
  /** Keys of the rows; the row number as text where a row has none. */
  keys: string[];
  /** Keys of the rows compared with, where these are others. */
  againstKeys?: string[];
  n: number;
  dimension: number;
  /** Name of the backend of tfjs. */
  backend: string;
  /** Over the pairs i < j (with `against`: over all pairs); NaN where there is no pair. */
  statistics: SimilarityStatistics;
  histogram: Histogram;
  /** The pairs at or above the threshold, most similar first; `statistics.highPairs` counts them all. */
  pairs: Pair[];
  neighbours?: Neighbours;
  matrix?: Matrix;
  /** The rows [from, to) that this result is about. */
  rowRange: [from: number, to: number];
}

/** Largest matrix that is kept in memory, and written into the JSON file, without being asked for. */
export const matrixLimit = 2000;

/**
 * Cosine similarity of every row with every other: statistics, histogram, the pairs at or above a threshold and, where
 * asked for, the nearest neighbours and the matrix; exact, in memory that does not grow with n².
 *
 * The upper triangle is computed tile by tile on a backend of tfjs, and each tile is reduced where it was computed.
 * Mean and standard deviation are those of float64; minimum, maximum, median, histogram and pairs are those of the
 * float32 similarities that the matrix holds. One row or none gives no pairs and NaN statistics.
 *
 * @param rows embeddings with keys, or a matrix of them; not normalised
 * @throws `invalid` for a NaN, an infinite value, a zero vector or mixed dimensions (the row is named), and for options
 * out of range; `interrupted` when `abortSignal` is aborted
 *
 * @example
 * const { statistics, pairs } = await similarity(await readEmbeddings("final_embeddings"), { threshold: 0.7 })
 */
export async function similarity(rows: Rows, options: SimilarityOptions = {}): Promise<SimilarityResult> {
  const { threshold = 0.8, topK = 0, maxPairs = 1_000_000, abortSignal } = options;
  if (!(threshold >= -1 && threshold <= 1))
    throw invalid("similarity", "threshold", { got: String(threshold), want: "a cosine between -1 and 1" });
  for (const [name, value] of Object.entries({ topK, maxPairs }))
    if (!Number.isInteger(value) || value < 0)
      throw invalid("similarity", name, { got: String(value), want: "a whole number, 0 or more" });
  const first = unitRows(rows);
  const second =
    options.against === undefined ? first : unitRows(options.against, { subject: "similarity, against" });
  if (first.n > 0 && second.n > 0 && first.dimension !== second.dimension)
    throw invalid("similarity", "dimension", {
      got: second.dimension,
      want: `${first.dimension}, as in the other rows`,
    });
  const [from, to] = options.rowRange ?? [0, first.n];
  if (![from, to].every(Number.isInteger) || from < 0 || to < from || to > first.n)
    throw invalid("similarity", "row range", { got: `${from}:${to}`, want: `a part of 0:${first.n}` });
  const { matrix = (to - from) * second.n <= matrixLimit ** 2 } = options;
  const chosen = await backend({ similarityBackend: options.backend });
  throwIfAborted("similarity", abortSignal);
  const settings = { ...options, threshold, topK, maxPairs, matrix, from, to };
  return withBackend(chosen, () => new Comparison(first, second, chosen, settings).run());
}

interface Settings extends SimilarityOptions {
  threshold: number;
  topK: number;
  maxPairs: number;
  matrix: boolean;
  from: number;
  to: number;
}

/** A tile to compute, and what it is for. */
interface Task {
  rows: Block;
  columns: Block;
  /** Its values are pairs of the result; else they only are neighbours of the rows. */
  counted: boolean;
  /** They are candidates for the neighbours of the columns too. */
  mirrored: boolean;
}

/** Rows a tile: large enough that the calls do not count, small enough for the cache. */
const tileRows = (chosen: Backend) => (chosen.gpu ? 4096 : chosen.name === "tensorflow" ? 1024 : 512);

class Comparison {
  private readonly self: boolean;
  private readonly reducer: TileReducer;
  private readonly nearest: NearestRows;
  private readonly pairs: BestPairs;
  private readonly histogram = emptyHistogram();
  private highPairs = 0;
  private lowest = Infinity;
  private highest = -Infinity;
  private below = 0;
  private lastBreath = performance.now();

  constructor(
    private readonly first: UnitRows,
    private readonly second: UnitRows,
    private readonly chosen: Backend,
    private readonly settings: Settings,
  ) {
    const { from, to, topK, threshold, maxPairs } = settings;
    this.self = first === second;
    this.reducer = new TileReducer(chosen.tf);
    const others = Math.max(0, this.self ? second.n - 1 : second.n);
    this.nearest = new NearestRows(to - from, Math.min(topK, others));
    this.pairs = new BestPairs(threshold, maxPairs);
  }

  async run(): Promise<SimilarityResult> {
    const { first, second, settings, nearest } = this;
    const { from, to } = settings;
    const moments = this.moments();
    const blocks = this.blocks();
    let matrix: Matrix | undefined;
    let median = Number.NaN;
    try {
      const finder = moments.count > 0 ? new MedianFinder(this.likelyBracket(moments.count)) : null;
      matrix = await this.firstPass(blocks, finder);
      if (finder !== null) median = await this.median(blocks, finder, moments.count);
    } finally {
      for (const { tensor } of new Set([...blocks.rows, ...blocks.columns])) tensor.dispose();
      this.reducer.dispose();
    }
    const { count, mean, deviation } = moments;
    const or = (value: number) => (count > 0 ? value : Number.NaN);
    return {
      keys: first.keys,
      againstKeys: this.self ? undefined : second.keys,
      n: first.n,
      dimension: first.dimension,
      backend: this.chosen.name,
      statistics: {
        mean: or(mean),
        std: or(Math.sqrt(deviation / count)),
        min: or(this.lowest),
        max: or(this.highest),
        median,
        totalPairs: count,
        highPairs: this.highPairs,
        threshold: settings.threshold,
      },
      histogram: this.histogram,
      pairs: this.pairs.sorted(),
      neighbours:
        settings.topK > 0 ? { k: nearest.k, index: nearest.index, score: nearest.score } : undefined,
      matrix,
      rowRange: [from, to],
    };
  }

  private moments(): Moments {
    const { from, to } = this.settings;
    const range = { from, to };
    return this.self ? pairMoments(this.first, range) : crossMoments(this.first, this.second, range);
  }

  private blocks(): { rows: Block[]; columns: Block[] } {
    const { first, second, chosen, self } = this;
    const { from, to } = this.settings;
    const size = tileRows(chosen);
    const cut = blocksOf(chosen.tf, first, { size, cuts: [from, to] });
    const inRange = ({ from: at, to: end }: Block) => at >= from && end <= to;
    const rows = cut.filter(inRange);
    if (self) return { rows, columns: cut };
    for (const block of cut) if (!inRange(block)) block.tensor.dispose();
    return { rows, columns: blocksOf(chosen.tf, second, { size }) };
  }

  /**
   * Neighbours of a row are looked for in ascending order of the others, whatever the row range: so equal similarities
   * always come out in the same order. Before the range stand only candidates, within it every tile serves both sides.
   */
  private tasks({ rows, columns }: { rows: Block[]; columns: Block[] }): Task[] {
    const { from, to, topK } = this.settings;
    const tasks: Task[] = [];
    if (!this.self) {
      for (const block of rows)
        for (const other of columns)
          tasks.push({ rows: block, columns: other, counted: true, mirrored: false });
      return tasks;
    }
    const before = topK > 0 ? columns.filter((other) => other.to <= from) : [];
    for (const block of rows)
      for (const other of before)
        tasks.push({ rows: block, columns: other, counted: false, mirrored: false });
    for (const block of rows)
      for (const other of columns)
        if (other.from >= block.from)
          tasks.push({ rows: block, columns: other, counted: true, mirrored: topK > 0 && other.to <= to });
    return tasks;
  }

  private async firstPass(blocks: { rows: Block[]; columns: Block[] }, finder: MedianFinder | null) {
    const { first, second, settings, reducer } = this;
    const { from, to, onProgress, onRows } = settings;
    const tasks = this.tasks(blocks);
    const area = ({ rows, columns }: Task) => (rows.to - rows.from) * (columns.to - columns.from);
    const total = tasks.reduce((sum, task) => sum + area(task), 0);
    const whole = settings.matrix ? new Float32Array((to - from) * second.n) : null;
    const keepsRows = whole !== null || onRows !== undefined;
    let strip: Matrix | null = null;
    let done = 0;
    onProgress?.({ stage: "similarity", done, total });
    for (const task of tasks) {
      const { rows, columns } = task;
      const tile = reducer.tile(rows.tensor, columns.tensor);
      try {
        this.reduce(tile, task, finder);
        if (keepsRows && task.counted) {
          strip ??= this.emptyStrip(rows, whole);
          this.copy(tile.dataSync() as Float32Array, task, strip);
        }
      } finally {
        tile.dispose();
      }
      if (strip !== null && columns.to === second.n) {
        if (this.self) this.fillLeft(strip, rows, blocks.columns);
        await onRows?.(strip, rows.from);
        strip = null;
      }
      done += area(task);
      onProgress?.({ stage: "similarity", done, total });
      await this.breathe();
    }
    return whole === null
      ? undefined
      : { data: whole, rows: to - from, columns: first.n === 0 ? 0 : second.n };
  }

  /** The rows of a block, to be filled: a part of the whole matrix where that is kept. */
  private emptyStrip({ from, to }: Block, whole: Float32Array | null): Matrix {
    const columns = this.second.n;
    const start = (from - this.settings.from) * columns;
    const data =
      whole?.subarray(start, start + (to - from) * columns) ?? new Float32Array((to - from) * columns);
    return { data, rows: to - from, columns };
  }

  private copy(
    values: Float32Array,
    { rows, columns }: { rows: Block; columns: Block },
    strip: Matrix,
  ): void {
    const width = columns.to - columns.from;
    for (let i = 0; i < rows.to - rows.from; i++) {
      const row = values.subarray(i * columns.size, i * columns.size + width);
      strip.data.set(row, i * strip.columns + columns.from);
    }
  }

  /** What is left of the diagonal was computed as part of other rows: computing it again is cheaper than keeping it. */
  private fillLeft(strip: Matrix, rows: Block, columns: Block[]): void {
    for (const other of columns.filter(({ from }) => from < rows.from)) {
      const tile = this.reducer.tile(rows.tensor, other.tensor);
      this.copy(tile.dataSync() as Float32Array, { rows, columns: other }, strip);
      tile.dispose();
    }
  }

  private reduce(tile: ReturnType<TileReducer["tile"]>, task: Task, finder: MedianFinder | null): void {
    const { nearest, pairs, reducer, settings } = this;
    const { threshold, from } = settings;
    const { rows, columns, counted, mirrored } = task;
    const mask = maskOf(this.chosen.tf, rows, columns);
    // The list of pairs says how many there are until it is full; then the tile is counted.
    const countsPairs = counted && !pairs.full;
    const summary = reducer.summary(tile, mask, {
      statistics: counted,
      bracket: counted ? finder : null,
      countFrom: counted && pairs.full ? leastFloatFrom(threshold) : null,
    });
    mask?.dispose();
    this.highPairs += summary.atLeast;
    this.below += summary.below;
    if (counted) {
      this.lowest = Math.min(this.lowest, summary.lowest);
      for (let b = 0; b < bins; b++) this.histogram.counts[b] += summary.counts[b];
    }
    const { groups, top } = this.wantedGroups(summary, task, finder);
    if (counted) this.highest = Math.max(this.highest, top);
    if (groups.length === 0) return;
    const values = reducer.groups(tile, groups);
    const across = columns.size / groupSize;
    const { bar } = nearest;
    const [low, high] = counted && finder !== null ? [finder.low, finder.high] : [Infinity, -Infinity];
    const pairFloor = counted ? threshold : Infinity;
    for (let g = 0; g < groups.length; g++) {
      const i = rows.from + Math.floor(groups[g] / across);
      if (i >= rows.to) break;
      const start = columns.from + (groups[g] % across) * groupSize;
      const end = Math.min(columns.to, start + groupSize);
      const begin = rows === columns ? Math.max(start, i + 1) : start;
      for (let j = begin, at = g * groupSize + begin - start; j < end; j++, at++) {
        const value = values[at];
        if (value >= low && value <= high) finder!.add(value);
        if (value > bar[i - from]) nearest.add(i - from, j, value);
        if (mirrored && value > bar[j - from]) nearest.add(j - from, i, value);
        if (value >= pairFloor) {
          if (countsPairs) this.highPairs++;
          if (value >= pairs.floor) pairs.add(i, j, value);
        }
      }
    }
  }

  /** The groups that may hold a listed pair, a neighbour of their row or column, or the median; and the largest value. */
  private wantedGroups(
    { highest, distance }: { highest: Float32Array; distance: Float32Array | null },
    { rows, columns, counted, mirrored }: Task,
    finder: MedianFinder | null,
  ): { groups: Int32Array; top: number } {
    const { bar } = this.nearest;
    const { from } = this.settings;
    const across = columns.size / groupSize;
    // The squared distance is a float32 of values near 1: the margin takes in what its rounding might leave out.
    const reach = finder === null ? -1 : (finder.high - finder.low) / 2 + 5e-7;
    const near = distance === null ? -1 : reach * reach * (1 + 1e-5);
    const pairFloor = counted ? this.pairs.floor : Infinity;
    const columnBars = new Float32Array(across).fill(Infinity);
    if (mirrored)
      for (let j = columns.from; j < columns.to; j++) {
        const c = Math.floor((j - columns.from) / groupSize);
        columnBars[c] = Math.min(columnBars[c], bar[j - from]);
      }
    const groups = new Int32Array(highest.length);
    let count = 0;
    let top = -Infinity;
    for (let i = rows.from, g = 0; i < rows.to; i++) {
      const rowBar = bar[i - from];
      for (let c = 0; c < across; c++, g++) {
        const best = highest[g];
        if (best > top) top = best;
        const wanted = best > rowBar || best > columnBars[c] || best >= pairFloor;
        if (wanted || (distance !== null && distance[g] <= near)) groups[count++] = g;
      }
    }
    return { groups: groups.slice(0, count), top };
  }

  /** As a rule the first pass has seen the median; else the bracket is moved or narrowed and looked into once more. */
  private async median(blocks: { rows: Block[]; columns: Block[] }, finder: MedianFinder, count: number) {
    let result = finder.result(count, this.below);
    while (result === null || "bracket" in result) {
      const bracket = result === null ? this.medianBin(count) : result.bracket;
      const next = new MedianFinder(bracket);
      for (const task of this.tasks(blocks).filter(({ counted }) => counted)) {
        const tile = this.reducer.tile(task.rows.tensor, task.columns.tensor);
        this.collect(tile, task, next);
        tile.dispose();
        await this.breathe();
      }
      result = next.result(count, bracket.below);
    }
    return result.median;
  }

  /** The bin of the histogram, or the two, in which the middle lies. */
  private medianBin(count: number): Bracket {
    const { counts, edges } = this.histogram;
    const find = (rank: number) => {
      let b = 0;
      let before = 0;
      while (rank >= before + counts[b]) before += counts[b++];
      return { b, before };
    };
    const lower = find(Math.floor((count - 1) / 2));
    const upper = find(Math.floor(count / 2));
    // The outermost bins also hold what rounding carried beyond -1 and 1.
    const low = lower.b === 0 ? this.lowest : leastFloatFrom(edges[lower.b]);
    const high = upper.b === bins - 1 ? this.highest : leastFloatFrom(edges[upper.b + 1]);
    return { low, high, below: lower.before };
  }

  private collect(
    tile: ReturnType<TileReducer["tile"]>,
    { rows, columns }: Task,
    finder: MedianFinder,
  ): void {
    const values = tile.dataSync();
    for (let i = rows.from; i < rows.to; i++)
      for (let j = rows === columns ? i + 1 : columns.from; j < columns.to; j++) {
        const value = values[(i - rows.from) * columns.size + j - columns.from];
        if (value >= finder.low && value <= finder.high) finder.add(value);
      }
  }

  private likelyBracket(total: number): { low: number; high: number } {
    const { from, to } = this.settings;
    const n = this.second.n;
    const pick = (x: number, y: number): [number, number] => {
      if (!this.self) return [from + Math.floor(x * (to - from)), Math.floor(y * n)];
      // A row counts as often as there are rows after it: the fraction x of the pairs are those of the rows before i.
      const [a, b] = [n - from, n - to];
      const left = Math.sqrt(a * a - x * (a * a - b * b));
      const i = Math.min(to - 1, n - 2, Math.max(from, Math.floor(n - left)));
      return [i, i + 1 + Math.floor(y * (n - i - 1))];
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
