import { dot } from "../vectors/dot.js";
import { quantile } from "../vectors/quantile.js";
import type { UnitRows } from "../vectors/unit-rows.js";
import { largestOf, type Strangers } from "./strangers.js";

/**
 * Whether all rows are of one person: they are alike in the mean, none has neighbours much nearer than chance gives, and the two
 * halves into which they fall best resemble each other at least half as much as themselves.
 *
 * @param rows unit rows
 * @param whitened what sets them apart
 * @param nearest Float64Array (n): the largest cosine of each of `whitened`
 */
export function isOnePerson(
  { data, n, dimension: d }: Pick<UnitRows, "data" | "n" | "dimension">,
  whitened: Pick<UnitRows, "data">,
  nearest: Float64Array,
  { mean, deviation }: Strangers,
): boolean {
  const parts = [new Float64Array(d), new Float64Array(d)];
  const counts = [0, 0];
  for (let i = 0; i < n; i++) {
    // The first coordinate is that on the axis of the largest variance.
    const part = whitened.data[i * d] < 0 ? 0 : 1;
    counts[part]++;
    for (let k = 0; k < d; k++) parts[part][k] += data[i * d + k];
  }
  const [a, b] = counts;
  if (a < 2 || b < 2) return false;
  const ofParts = [dot(parts[0], 0, parts[0], 0, d) - a, dot(parts[1], 0, parts[1], 0, d) - b];
  const across = dot(parts[0], 0, parts[1], 0, d) / (a * b);
  const within = (ofParts[0] + ofParts[1]) / (a * (a - 1) + b * (b - 1));
  const overall = (ofParts[0] + ofParts[1] + 2 * across * a * b) / (n * (n - 1));
  const nearer = (quantile(nearest.slice().sort(), 0.5) - mean) / deviation - largestOf(n);
  return overall > 1 / 3 && nearer < 2 && across > within / 2;
}
