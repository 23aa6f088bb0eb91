import { invalid, throwIfAborted } from "../errors.js";
import type { Matrix } from "../types.js";
import { type Rows, type UnitRows, unitRows } from "../vectors/unit-rows.js";
import { type Backend, backend } from "./backend.js";
import type { Found } from "./found.js";
import { histogramOfFine, medianOf, valuesInBins } from "./histogram.js";
import { type Moments, momentsOf } from "./moments.js";
import { onnxTile, reduceInWorkers, reduceOnThisThread, workersFor } from "./on-onnx.js";
import type { SimilarityOptions, SimilarityResult } from "./options.js";
import { reduceOnTensorflow, tensorflowTile } from "./tensorflow.js";
import { TileQueue } from "./tile-queue.js";

/** Rows and options in their canonical form. */
export interface CheckedRows {
  first: UnitRows;
  second: UnitRows;
  from: number;
  to: number;
  threshold: number;
  topK: number;
  maxPairs: number;
}

/** The lists of neighbours of one comparison: addresses in WebAssembly have 32 bits. */
const neighbourBytes = 3e9;

/** @throws `invalid` as `similarity` does */
export function checkedRows(rows: Rows, options: SimilarityOptions): CheckedRows {
  const { threshold = 0.8, topK = 0, maxPairs = 1_000_000, threads = 1 } = options;
  if (!(threshold >= -1 && threshold <= 1))
    throw invalid(`The threshold is ${threshold}. It has to be a cosine between -1 and 1.`, {
      got: threshold,
    });
  for (const [name, value, least] of [
    ["topK", topK, 0],
    ["maxPairs", maxPairs, 0],
    ["threads", threads, 1],
  ] as const)
    if (!Number.isInteger(value) || value < least)
      throw invalid(`${name} is ${value}. It has to be a whole number, ${least} or more.`, { got: value });
  const first = unitRows(rows);
  const second =
    options.against === undefined ? first : unitRows(options.against, { subject: "similarity, against" });
  if (first.n > 0 && second.n > 0 && first.dimension !== second.dimension)
    throw invalid(
      `The rows have a dimension of ${first.dimension}, those to compare with ${second.dimension}. Take embeddings of one model.`,
      { got: second.dimension },
    );
  const [from, to] = options.rowRange ?? [0, first.n];
  if (![from, to].every(Number.isInteger) || from < 0 || to < from || to > first.n)
    throw invalid(`The row range ${from}:${to} is not within the rows 0:${first.n}.`, {
      got: `${from}:${to}`,
    });
  if (8 * neighboursOf(first, second, topK) * (to - from) > neighbourBytes)
    throw invalid(
      `${topK} neighbours of ${to - from} rows do not fit into memory. Ask for fewer, or share the rows out (--rows).`,
      { got: topK },
    );
  return { first, second, from, to, threshold, topK, maxPairs };
}

/** Neighbours a row has: no more than there are other rows. */
const neighboursOf = (first: UnitRows, second: UnitRows, topK: number) =>
  Math.min(topK, Math.max(0, first === second ? second.n - 1 : second.n));

/** What the pairs of the rows come to, before shares of them are joined. */
export interface Comparison {
  found: Found;
  matrix?: Matrix;
  backend: Backend["name"];
}

/** Compares the rows: everything but mean and deviation, which need no pairs. */
export async function compare(rows: CheckedRows, options: SimilarityOptions): Promise<Comparison> {
  const { first, second, from, to, topK, ...settings } = rows;
  const { onRows, abortSignal, onProgress, threads } = options;
  const chosen = await backend({ similarityBackend: options.backend });
  const matrix = options.matrix
    ? {
        data: new Float32Array((to - from) * second.n),
        rows: to - from,
        columns: first.n === 0 ? 0 : second.n,
      }
    : undefined;
  const k = neighboursOf(first, second, topK);
  const queue = new TileQueue({
    n: first.n,
    m: second.n,
    self: first === second,
    from,
    to,
    hasNeighbours: k > 0,
    hasRows: matrix !== undefined || onRows !== undefined,
    size: chosen.tensorflow ? tensorflowTile(chosen.tensorflow) : onnxTile,
  });

  const finished = new Set<number>();
  let given: Promise<void> = Promise.resolve();
  let next = 0;
  /** Gives strips away in their order, each when it is whole. */
  const onStrip = (strip: number) => {
    finished.add(strip);
    given = given.then(async () => {
      for (; finished.has(next); next++) {
        const { data, ...rowsOfStrip } = queue.rowsOf(next);
        if (data.length > 0) {
          matrix?.data.set(data, (rowsOfStrip.from - from) * second.n);
          await onRows?.({ data, rows: data.length / second.n, columns: second.n }, rowsOfStrip.from);
        }
        queue.release();
      }
    });
    given.catch(() => queue.stop());
    return given;
  };

  const say = () => onProgress?.({ stage: "similarity", done: queue.taken, total: queue.grid.count });
  const stop = () => queue.stop();
  const timer = setInterval(say, 200);
  abortSignal?.addEventListener("abort", stop);
  let last = performance.now();
  const afterTile = async () => {
    if (performance.now() - last < 50) return;
    await new Promise((resolve) => setImmediate(resolve));
    last = performance.now();
  };
  try {
    say();
    throwIfAborted("similarity", abortSignal);
    const options = { ...settings, k };
    const workers = threads ?? workersFor(queue, k);
    const job = { first, second, options };
    let found: Found;
    if (chosen.tensorflow)
      found = await reduceOnTensorflow(chosen.tensorflow, queue, job, { onStrip, afterTile });
    else if (workers > 1) found = await reduceInWorkers(queue, job, { workers, onStrip });
    else found = await reduceOnThisThread(queue, job, { onStrip, afterTile });
    await given;
    throwIfAborted("similarity", abortSignal);
    say();
    return { found, matrix, backend: chosen.name };
  } finally {
    clearInterval(timer);
    abortSignal?.removeEventListener("abort", stop);
    // Whoever is told of a failure may take away what is still being written.
    await given.catch(() => {});
  }
}

/** Compares the rows, and says what that comes to. */
export async function compareAll(rows: CheckedRows, options: SimilarityOptions): Promise<SimilarityResult> {
  const comparing = compare(rows, options);
  // Beside the workers.
  const moments = momentsOf(rows.first, rows.second, rows, options.abortSignal);
  moments.catch(() => {});
  return resultOf(rows, await comparing, await moments);
}

export function resultOf(
  { first, second, from, to, threshold, topK }: CheckedRows,
  { found, matrix, backend }: Comparison,
  { count, mean, squares }: Moments,
): SimilarityResult {
  const self = first === second;
  const valuesOf =
    matrix &&
    ((low: number, high: number) => valuesInBins(matrix, (row) => (self ? from + row + 1 : 0), low, high));
  const or = (value: () => number) => (count > 0 ? value() : Number.NaN);
  const { rows, scores } = found.pairs;
  return {
    keys: first.keys,
    againstKeys: self ? undefined : second.keys,
    n: first.n,
    dimension: first.dimension,
    backend,
    statistics: {
      mean: or(() => mean),
      std: or(() => Math.sqrt(squares / count)),
      min: or(() => found.lowest),
      max: or(() => found.highest),
      median: or(() => medianOf(found.fine, count, valuesOf)),
      totalPairs: count,
      highPairs: found.highPairs,
      threshold,
    },
    histogram: histogramOfFine(found.fine),
    pairs: Array.from(scores, (similarity, p) => ({ i: rows[2 * p], j: rows[2 * p + 1], similarity })),
    neighbours: topK > 0 ? found.neighbours : undefined,
    matrix,
    rowRange: [from, to],
  };
}
