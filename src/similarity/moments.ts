import type { Tensor2D } from "@tensorflow/tfjs";
import type { Tfjs } from "./backend.js";
import { safeDepth } from "./blocks.js";
import type { UnitRows } from "./unit-rows.js";

/** Number, mean and sum of squared deviations of some similarities. */
export interface Moments {
  count: number;
  mean: number;
  /** Sum of squared deviations from the mean. */
  deviation: number;
}

/** What the moments of all similarities with a set follow from. */
interface SetMoments {
  n: number;
  /** Mean vector, Float64Array (d). */
  mean: Float64Array;
  /** Sum of outer products of the rows less their mean, Float64Array (d, d). */
  scatter: Float64Array;
  /** Sums of |u|² - 1 and of its square: rows rounded to float32 are not quite of length 1. */
  excess: number;
  excessSquared: number;
}

/**
 * The moments over the pairs of rows i < j with `from` <= i < `to`, exact to float64 rounding, without a look at a single
 * pair: a sum of dot products is the dot product of sums, and with rows split into mean m and rest v,
 * u_i·u_j = m·m + m·v_i + m·v_j + v_i·v_j, whose squares add up without cross terms because the v add up to zero.
 * It costs n d² where the pairs cost n² d, and accumulates nothing in float32.
 */
export function pairMoments(tf: Tfjs, rows: UnitRows, { from = 0, to = rows.n } = {}): Moments {
  const inner = setMoments(tf, rows, from, to);
  const triangle = triangleMoments(inner);
  if (to === rows.n) return triangle;
  return joined(triangle, productMoments(inner, setMoments(tf, rows, to, rows.n)));
}

/** The moments over all pairs of a row of one set and a row of another. */
export function crossMoments(tf: Tfjs, a: UnitRows, b: UnitRows, { from = 0, to = a.n } = {}): Moments {
  return productMoments(setMoments(tf, a, from, to), setMoments(tf, b, 0, b.n));
}

/** Moments of two sets of similarities together (Chan, Golub, LeVeque 1979). */
function joined(a: Moments, b: Moments): Moments {
  const count = a.count + b.count;
  if (count === 0) return { count: 0, mean: 0, deviation: 0 };
  const step = b.mean - a.mean;
  return {
    count,
    mean: a.mean + (step * b.count) / count,
    deviation: a.deviation + b.deviation + (step * step * a.count * b.count) / count,
  };
}

function triangleMoments(set: SetMoments): Moments {
  const { n, excess, excessSquared } = set;
  const ordered = n * (n - 1);
  if (ordered === 0) return { count: 0, mean: 0, deviation: 0 };
  const all = productMoments(set, set);
  const selves = n + excess;
  const pairMean = (all.mean * n * n - selves) / ordered;
  // All n² similarities about the pairs' mean, less those of the rows with themselves.
  const shift = all.mean - pairMean;
  const short = 1 - pairMean;
  const ofSelves = n * short * short + 2 * short * excess + excessSquared;
  const deviation = all.deviation + n * n * shift * shift - ofSelves;
  return { count: ordered / 2, mean: pairMean, deviation: Math.max(0, deviation / 2) };
}

function productMoments(a: SetMoments, b: SetMoments): Moments {
  const d = a.mean.length;
  const count = a.n * b.n;
  if (count === 0) return { count: 0, mean: 0, deviation: 0 };
  let deviation = 0;
  let mean = 0;
  for (let p = 0; p < d; p++) {
    mean += a.mean[p] * b.mean[p];
    for (let q = 0; q < d; q++) {
      const [sa, sb] = [a.scatter[p * d + q], b.scatter[p * d + q]];
      deviation += sa * sb + b.n * sa * b.mean[p] * b.mean[q] + a.n * sb * a.mean[p] * a.mean[q];
    }
  }
  return { count, mean, deviation: Math.max(0, deviation) };
}

function setMoments(tf: Tfjs, { data, dimension: d }: UnitRows, from: number, to: number): SetMoments {
  const n = to - from;
  const mean = new Float64Array(d);
  let excess = 0;
  let excessSquared = 0;
  for (let i = from; i < to; i++) {
    let square = 0;
    for (let k = 0, at = i * d; k < d; k++) {
      const x = data[at + k];
      mean[k] += x;
      square += x * x;
    }
    excess += square - 1;
    excessSquared += (square - 1) ** 2;
  }
  for (let k = 0; k < d; k++) mean[k] /= Math.max(1, n);
  return { n, mean, scatter: scatterOf(tf, data, mean, from, to), excess, excessSquared };
}

/**
 * The matrix product in float32 at full speed, without its rounding: the high parts are multiples of 2^-10, so that their
 * products add up exactly (below 16, which so few rows of unit vectors stay under as a rule), and what the low parts
 * add is 2^-11 times smaller than their rounding matters.
 */
function scatterOf(tf: Tfjs, data: Float32Array, mean: Float64Array, from: number, to: number): Float64Array {
  const d = mean.length;
  const scatter = new Float64Array(d * d);
  const height = safeDepth;
  for (let start = from; start < to; start += height) {
    const rows = Math.min(height, to - start);
    const high = new Float32Array(rows * d);
    const low = new Float32Array(rows * d);
    for (let i = 0, at = 0, source = start * d; i < rows; i++)
      for (let k = 0; k < d; k++, at++, source++) {
        const x = data[source] - mean[k];
        high[at] = Math.round(x * 1024) / 1024;
        low[at] = x - high[at];
      }
    const h = tf.tensor2d(high, [rows, d]);
    const l = tf.tensor2d(low, [rows, d]);
    const [hh, hl, ll] = [product(tf, h, h), product(tf, h, l), product(tf, l, l)];
    h.dispose();
    l.dispose();
    for (let at = 0; at < d * d; at++) scatter[at] += hh[at] + 2 * hl[at] + ll[at];
  }
  // Of high times low only one order was computed: the mean of a sum and its transpose has both.
  for (let p = 0; p < d; p++)
    for (let q = 0; q < p; q++) {
      const both = (scatter[p * d + q] + scatter[q * d + p]) / 2;
      scatter[p * d + q] = both;
      scatter[q * d + p] = both;
    }
  return scatter;
}

function product(tf: Tfjs, a: Tensor2D, b: Tensor2D): Float32Array {
  const tensor = tf.matMul(a, b, true, false);
  const values = tensor.dataSync() as Float32Array;
  tensor.dispose();
  return values;
}
