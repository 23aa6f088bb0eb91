import { throwIfAborted } from "../errors.js";
import type { Matrix, Pair } from "../types.js";
import type { Backend } from "./backend.js";
import { BestPairs, byRank } from "./best-pairs.js";
import { type Block, blocksOf } from "./blocks.js";
import { fineBins, histogramOfFine, leastFloatFrom } from "./histogram.js";
import { type Bracket, fineBracket, likelyBracket, MedianFinder } from "./median.js";
import { crossMoments, type Moments, pairMoments } from "./moments.js";
import { NearestRows, type Neighbours } from "./nearest-rows.js";
import type { Share } from "./share.js";
import type { SimilarityOptions, SimilarityResult } from "./similarity.js";
import { type Tile, type TileReducer, tileReducer } from "./tile-reducer.js";
import { emptyStatistics, type Groups, groupSize, type TileStatistics } from "./tile-statistics.js";
import type { UnitRows } from "./unit-rows.js";

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

interface Blocks {
  rows: Block[];
  columns: Block[];
}

/** Rows a tile: large enough that the calls do not count, small enough for the cache. */
const tileRows = (chosen: Backend) => (chosen.gpu ? 4096 : chosen.name === "tensorflow" ? 1024 : 512);

/** One comparison of rows with rows, from blocks to result. */
export class Comparison {
  private readonly self: boolean;
  private readonly reducer: TileReducer;
  private readonly nearest: NearestRows;
  private readonly pairs: BestPairs;
  private readonly bracket: Bracket;
  private readonly statistics: TileStatistics;
  private highPairs = 0;
  private lastBreath = performance.now();

  constructor(
    private readonly first: UnitRows,
    private readonly second: UnitRows,
    private readonly chosen: Backend,
    private readonly settings: Settings,
  ) {
    const { from, to, topK, threshold, maxPairs } = settings;
    this.self = first === second;
    this.reducer = tileReducer(chosen);
    const others = Math.max(0, this.self ? second.n - 1 : second.n);
    this.nearest = new NearestRows(to - from, Math.min(topK, others));
    this.pairs = new BestPairs(threshold, maxPairs);
    this.bracket = this.likelyBracket();
    this.statistics = emptyStatistics(new MedianFinder(this.bracket));
  }

  /** Computes the share of the result that the rows of the range have in it. */
  async share(): Promise<Share & { matrix?: Matrix }> {
    const { nearest, settings, statistics } = this;
    const { from, to } = settings;
    const matrix = await this.withBlocks((blocks) => this.pass(blocks));
    return {
      from,
      to,
      fine: statistics.fine,
      lowest: statistics.lowest,
      highest: statistics.highest,
      highPairs: this.highPairs,
      pairs: this.pairs.sorted(),
      median: statistics.finder.share(),
      neighbours:
        settings.topK > 0 ? { k: nearest.k, index: nearest.index, score: nearest.score } : undefined,
      matrix,
    };
  }

  /** The result that shares come to: those of neighbouring row ranges, in order. */
  async result(shares: readonly Share[]): Promise<SimilarityResult> {
    const { first, settings, statistics, pairs } = this;
    const finder = new MedianFinder(this.bracket);
    Object.assign(statistics, emptyStatistics(finder));
    let highPairs = 0;
    for (const share of shares) {
      for (let f = 0; f < fineBins; f++) statistics.fine[f] += share.fine[f];
      statistics.lowest = Math.min(statistics.lowest, share.lowest);
      statistics.highest = Math.max(statistics.highest, share.highest);
      highPairs += share.highPairs;
      finder.absorb(share.median);
    }
    const { count, mean, deviation } = this.moments();
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
        std: or(Math.sqrt(deviation / count)),
        min: or(statistics.lowest),
        max: or(statistics.highest),
        median,
        totalPairs: count,
        highPairs,
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

  private async withBlocks<T>(job: (blocks: Blocks) => Promise<T>): Promise<T> {
    const blocks = this.blocks();
    try {
      return await job(blocks);
    } finally {
      for (const { tensor } of new Set([...blocks.rows, ...blocks.columns])) tensor.dispose();
      this.reducer.dispose();
    }
  }

  private moments(): Moments {
    const { from, to } = this.settings;
    const { tf } = this.chosen;
    const range = { from, to };
    return this.self ? pairMoments(tf, this.first, range) : crossMoments(tf, this.first, this.second, range);
  }

  private blocks(): Blocks {
    const { first, second, chosen, self } = this;
    const { from, to } = this.settings;
    const size = tileRows(chosen);
    // The first blocks are small: until rows have found some neighbours, every value is a candidate.
    const small = this.nearest.k > 0 ? [size / 8, size / 4, size / 2].map((height) => from + height) : [];
    const cut = blocksOf(chosen.tf, first, { size, cuts: [from, to, ...small] });
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
  private tasks({ rows, columns }: Blocks): Task[] {
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

  private async pass(blocks: Blocks) {
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
      const tile = this.tile(rows, columns);
      try {
        this.reduce(tile, task);
        if (keepsRows && task.counted) {
          strip ??= this.emptyStrip(rows, whole);
          this.copy(reducer.values(tile), tile, strip);
        }
      } finally {
        tile.tensor.dispose();
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

  private copy(values: Float32Array, { rows, columns }: Tile, strip: Matrix): void {
    const width = columns.to - columns.from;
    for (let i = 0; i < rows.to - rows.from; i++) {
      const row = values.subarray(i * columns.size, i * columns.size + width);
      strip.data.set(row, i * strip.columns + columns.from);
    }
  }

  /** What is left of the diagonal was computed as part of other rows: computing it again is cheaper than keeping it. */
  private fillLeft(strip: Matrix, rows: Block, columns: Block[]): void {
    for (const other of columns.filter(({ from }) => from < rows.from)) {
      const tile = this.tile(rows, other);
      this.copy(this.reducer.values(tile), tile, strip);
      tile.tensor.dispose();
    }
  }

  private tile(rows: Block, columns: Block): Tile {
    return { tensor: this.chosen.tf.matMul(rows.tensor, columns.tensor, false, true), rows, columns };
  }

  private reduce(tile: Tile, task: Task): void {
    const { nearest, pairs, reducer, settings, statistics } = this;
    const bound = task.counted ? reducer.addTo(statistics, tile) : Infinity;
    // The list of pairs tells their number until it is full.
    if (task.counted && pairs.full && bound >= settings.threshold)
      this.highPairs += reducer.count(tile, leastFloatFrom(settings.threshold));
    if (nearest.k === 0 && bound < pairs.floor) return;
    const groups = this.wantedGroups(reducer.highest(tile), task);
    if (groups.length > 0) this.takeGroups(reducer.groups(tile, groups), task);
  }

  /** The groups that may hold a listed pair, or a neighbour of their row or of a column. */
  private wantedGroups(highest: Float32Array, { rows, columns, counted, mirrored }: Task): Int32Array {
    const width = columns.size / groupSize;
    const { bar } = this.nearest;
    const { from } = this.settings;
    const floor = counted ? this.pairs.floor : Infinity;
    const bars = new Float64Array(width).fill(floor);
    if (mirrored)
      for (let j = columns.from; j < columns.to; j++) {
        const c = Math.floor((j - columns.from) / groupSize);
        if (bar[j - from] < bars[c]) bars[c] = bar[j - from];
      }
    const groups = new Int32Array(highest.length);
    let count = 0;
    for (let i = rows.from, g = 0; i < rows.to; i++) {
      const rowBar = bar[i - from];
      for (let c = 0; c < width; c++, g++) {
        const best = highest[g];
        if (best >= rowBar || best >= bars[c]) groups[count++] = g;
      }
    }
    return groups.subarray(0, count);
  }

  /** Looks at every value of the groups, in the order of rows, then of columns. */
  private takeGroups({ groups, values, whole }: Groups, task: Task): void {
    const { nearest, pairs } = this;
    const { from, threshold } = this.settings;
    const { rows, columns, counted, mirrored } = task;
    const { bar } = nearest;
    const size = groupSize;
    const width = columns.size / size;
    const diagonal = rows === columns;
    const pairFloor = counted ? threshold : Infinity;
    const listIsFull = pairs.full;
    let i = rows.from;
    let rowEnd = width;
    for (let g = 0; g < groups.length; g++) {
      const group = groups[g];
      while (group >= rowEnd) {
        i++;
        rowEnd += width;
      }
      const start = columns.from + (group - rowEnd + width) * size;
      const end = Math.min(columns.to, start + size);
      const begin = diagonal ? Math.max(start, i + 1) : start;
      const row = i - from;
      let rowBar = bar[row];
      for (let j = begin, at = (whole ? group : g) * size + begin - start; j < end; j++, at++) {
        const value = values[at];
        if (value > rowBar) {
          nearest.add(row, j, value);
          rowBar = bar[row];
        }
        if (mirrored && value > bar[j - from]) nearest.add(j - from, i, value);
        if (value >= pairFloor) {
          if (!listIsFull) this.highPairs++;
          if (value >= pairs.floor) pairs.add(i, j, value);
        }
      }
    }
  }

  /** As a rule the first pass has seen the median; else it is looked for once more, in another or a narrower bracket. */
  private async median(finder: MedianFinder, count: number): Promise<number> {
    let below = 0;
    for (let f = 0; f < fineBins && fineBracket(f, f).low < finder.low; f++) below += this.statistics.fine[f];
    let result = finder.result(count, below);
    while (result === null || "bracket" in result) {
      const { bracket, below: less } = result ?? this.medianBins(count);
      const other = new MedianFinder(bracket);
      await this.withBlocks((blocks) => this.look(other, blocks));
      result = other.result(count, less);
    }
    return result.median;
  }

  private async look(finder: MedianFinder, blocks: Blocks): Promise<void> {
    for (const { rows, columns, counted } of this.tasks(blocks)) {
      if (!counted) continue;
      const tile = this.tile(rows, columns);
      this.reducer.findMedian(finder, tile);
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
    const total = this.self ? (n * (n - 1)) / 2 : n * m;
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
