import { invalid, throwIfAborted } from "../errors.js";
import { quantity } from "../shared/text.js";
import type { Matrix } from "../types.js";
import { demandCosine, demandWhole } from "../util/demand.js";
import { type Rows, type UnitRows, unitRows } from "../vectors/unit-rows.js";
import { type Backend, backend } from "./backend.js";
import { breather } from "./breather.js";
import { histogramOfFine, medianOf, valuesInBins } from "./histogram.js";
import { type Moments, momentsOf } from "./moments.js";
import { reduceInWorkers, workersFor } from "./on-onnx.js";
import { onnxProduct, onnxTile } from "./onnx-product.js";
import type { SimilarityOptions, SimilarityResult } from "./options.js";
import { pairsOf } from "./pair-list.js";
import { reduceTiles } from "./reduce-tiles.js";
import type { Reduction } from "./reduction.js";
import { tensorflowProduct, tensorflowTile } from "./tensorflow-product.js";
import { type Grid, type Range, type Tile, TileQueue } from "./tile-queue.js";

/** Rows and options in their canonical form. */
export interface CheckedRows extends Range {
  first: UnitRows;
  second: UnitRows;
  threshold: number;
  topK: number;
  maxPairs: number;
}

/** Most bytes for the neighbours of one comparison: WebAssembly addresses 4 GB. */
const neighbourBytes = 3e9;

/** @throws `invalid` as `similarity` does */
export function checkedRows(rows: Rows, options: SimilarityOptions): CheckedRows {
  const { threshold = 0.8, topK = 0, maxPairs = 1_000_000, threads = 1 } = options;
  demandCosine(threshold);
  demandWhole("topK", topK, 0);
  demandWhole("maxPairs", maxPairs, 0);
  demandWhole("threads", threads, 1);
  const first = unitRows(rows);
  const second =
    options.against === undefined ? first : unitRows(options.against, { what: "Row of the other set" });
  if (first.n > 0 && second.n > 0 && first.dimension !== second.dimension)
    throw invalid(
      `The embeddings have ${quantity(first.dimension, "number")}, and those to compare them with ${second.dimension}: they are of two models. Extract both with one model.`,
      { got: second.dimension },
    );
  const [from, to] = options.rowRange ?? [0, first.n];
  if (![from, to].every(Number.isInteger) || from < 0 || to < from || to > first.n)
    throw invalid(`The row range ${from}:${to} is not within the rows 0:${first.n}.`, {
      got: `${from}:${to}`,
    });
  if (8 * neighboursOf(first, second, topK) * (to - from) > neighbourBytes)
    throw invalid(
      `${topK} neighbours of ${to - from} rows do not fit into memory. Ask for fewer, or split the rows (--rows).`,
      { got: topK },
    );
  return { first, second, from, to, threshold, topK, maxPairs };
}

/** Neighbours per row: at most all other rows. */
const neighboursOf = (first: UnitRows, second: UnitRows, topK: number) =>
  Math.min(topK, Math.max(0, first === second ? second.n - 1 : second.n));

/** The result for some rows, before blocks of rows are joined. */
export interface Comparison {
  reduction: Reduction;
  matrix?: Matrix;
  backend: Backend["name"];
}

/** Compares the rows: everything but mean and deviation, which need no pairs. */
export async function compare(
  rows: CheckedRows,
  options: SimilarityOptions,
  { hasCounts = true } = {},
): Promise<Comparison> {
  const { first, second, from, to, threshold, topK, maxPairs } = rows;
  const { abortSignal, onProgress, onRows } = options;
  const { name, tensorflow } = await backend(options.backend);
  throwIfAborted("Comparing", abortSignal);
  const m = first.n === 0 ? 0 : second.n;
  const matrix = options.matrix
    ? { data: new Float32Array((to - from) * m), rows: to - from, columns: m }
    : undefined;
  const wholeRows = matrix !== undefined || onRows !== undefined;
  const size = tensorflow ? tensorflowTile(tensorflow) : onnxTile;
  const k = neighboursOf(first, second, topK);
  const queue = new TileQueue({
    n: first.n,
    m: second.n,
    self: first === second,
    from,
    to,
    k,
    wholeRows,
    size,
  });
  const limits = { threshold, maxPairs, hasCounts };
  const reduceHere = async () => {
    const takeRows = wholeRows ? rowTaker(queue.grid, matrix, onRows) : undefined;
    const breathe = breather(abortSignal);
    const { product, close } = tensorflow
      ? await tensorflowProduct(tensorflow.tf, first, second, size)
      : await onnxProduct(first, second, size);
    try {
      return await reduceTiles(queue, product, limits, async (tile, values) => {
        await takeRows?.(tile, values);
        await breathe();
      });
    } finally {
      await close();
    }
  };
  const say = () => onProgress?.({ stage: "similarity", done: queue.taken, total: queue.count });
  const stop = () => queue.stop();
  const timer = setInterval(say, 200);
  abortSignal?.addEventListener("abort", stop);
  try {
    say();
    const workers = tensorflow || wholeRows ? 1 : (options.threads ?? workersFor(queue));
    const reduction =
      workers > 1 ? await reduceInWorkers(queue, { first, second, limits }, workers) : await reduceHere();
    throwIfAborted("Comparing", abortSignal);
    say();
    return { reduction, matrix, backend: name };
  } finally {
    clearInterval(timer);
    abortSignal?.removeEventListener("abort", stop);
  }
}

/** Assembles tiles into whole rows, for the matrix and for `onRows`. */
function rowTaker(
  { m, from, to, size }: Grid,
  matrix: Matrix | undefined,
  onRows: SimilarityOptions["onRows"],
) {
  const strip = matrix ? null : new Float32Array(Math.min(size, to - from) * m);
  return async ({ rows, columns }: Tile, values: Float32Array): Promise<void> => {
    const [first, last] = [Math.max(from, rows.from), Math.min(to, rows.to)];
    if (first >= last) return;
    const place = matrix
      ? matrix.data.subarray((first - from) * m, (last - from) * m)
      : strip!.subarray(0, (last - first) * m);
    const width = columns.to - columns.from;
    for (let i = first; i < last; i++) {
      const start = (i - rows.from) * width;
      place.set(values.subarray(start, start + width), (i - first) * m + columns.from);
    }
    if (columns.to === m) await onRows?.({ data: place, rows: last - first, columns: m }, first);
  };
}

/** Compares the rows and gives the whole result. */
export async function compareAll(rows: CheckedRows, options: SimilarityOptions): Promise<SimilarityResult> {
  // The moments are computed beside the workers.
  const [comparison, moments] = await Promise.all([
    compare(rows, options),
    momentsOf(rows.first, rows.second, rows, options.abortSignal),
  ]);
  return resultOf(rows, comparison, moments);
}

export function resultOf(
  { first, second, from, to, threshold, topK }: CheckedRows,
  { reduction, matrix, backend }: Comparison,
  { count, mean, squares }: Moments,
): SimilarityResult {
  const self = first === second;
  const valuesOf =
    matrix &&
    ((low: number, high: number) => valuesInBins(matrix, (row) => (self ? from + row + 1 : 0), low, high));
  const or = (value: () => number) => (count > 0 ? value() : Number.NaN);
  const { fine, lowest, highest, highPairs, pairs, neighbours } = reduction;
  return {
    keys: first.keys,
    againstKeys: self ? undefined : second.keys,
    n: first.n,
    dimension: first.dimension,
    backend,
    statistics: {
      mean: or(() => mean),
      std: or(() => Math.sqrt(squares / count)),
      min: or(() => lowest),
      max: or(() => highest),
      median: or(() => medianOf(fine, count, valuesOf)),
      totalPairs: count,
      highPairs,
      threshold,
    },
    histogram: histogramOfFine(fine),
    pairs: pairsOf(pairs),
    neighbours: topK > 0 ? neighbours : undefined,
    matrix,
    rowRange: [from, to],
  };
}
