import { dot } from "../vectors/dot.js";
import { principalAxes } from "../vectors/principal-axes.js";
import { scatter } from "../vectors/scatter.js";
import { unitRows } from "../vectors/unit-rows.js";

/** Embeddings as points of a plane. */
export interface Map2d<Row> {
  /** The rows in the order given, without embeddings, with their coordinates. */
  points: (Omit<Row, "embedding"> & { x: number; y: number })[];
  /** Fraction of the variance along each axis, 0 to 1. The smaller it is, the less nearness on the map means. */
  explained: [x: number, y: number];
}

/**
 * A map of embeddings: the first two principal components of the unit vectors. The same in every run.
 *
 * @param rows utterances or speakers
 * @throws invalid for embeddings that are zero, not finite or of different length
 * @see I. Jolliffe, Principal Component Analysis, 2nd edition, 2002
 * @example
 * const { points, explained } = map2d(utterances);
 */
export function map2d<Row extends { embedding: Float32Array; key?: string }>(
  rows: readonly Row[],
): Map2d<Row> {
  const { data, n, dimension: d } = unitRows(rows);
  const centred = new Float64Array(data);
  for (let k = 0; k < d; k++) {
    let mean = 0;
    for (let i = 0; i < n; i++) mean += data[i * d + k] / n;
    for (let i = 0; i < n; i++) centred[i * d + k] -= mean;
  }
  const covariance = scatter(centred, d);
  const { values, vectors } = principalAxes(covariance, d, { count: 2 });
  const variance = covariance.reduce((sum, x, at) => (at % (d + 1) === 0 ? sum + x : sum), 0);
  const coordinate = (i: number, axis: number) =>
    axis < vectors.length ? dot(centred, i, vectors[axis], 0, d) : 0;
  const part = (axis: number) => (variance > 0 ? Math.max(0, values[axis] ?? 0) / variance : 0);
  return {
    points: rows.map(({ embedding: _, ...row }, i) => ({ ...row, x: coordinate(i, 0), y: coordinate(i, 1) })),
    explained: [part(0), part(1)],
  };
}
