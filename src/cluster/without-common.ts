import { principalAxes } from "../vectors/principal-axes.js";
import { scatter } from "../vectors/scatter.js";
import type { UnitRows } from "../vectors/unit-rows.js";

type Vectors = Pick<UnitRows, "data" | "n" | "dimension">;

/** The part of the covariance that is replaced by the same variance in every direction: few rows say little about it. */
const shrinkage = 0.1;

/**
 * Unit rows without what all of them have in common: `centred` without their mean, and `whitened` with their spread made half as
 * uneven as well (times the covariance to the power of -1/4), since what varies most is as often the channel as the
 * voice. The cosines of `whitened` tell people apart best where nothing is known of them.
 *
 * @returns undefined where all rows are equal
 */
export function withoutCommon({
  data,
  n,
  dimension: d,
}: Vectors): { centred: Vectors; whitened: Vectors } | undefined {
  const mean = new Float64Array(d);
  for (let i = 0; i < n; i++) for (let k = 0; k < d; k++) mean[k] += data[i * d + k];
  for (let k = 0; k < d; k++) mean[k] /= n;
  const centred = new Float32Array(n * d);
  for (let at = 0; at < centred.length; at++) centred[at] = data[at] - mean[at % d];

  const covariance = scatter(centred, d).map((x) => x / n);
  let variance = 0;
  for (let k = 0; k < d; k++) variance += covariance[k * d + k] / d;
  if (!(variance * d > 1e-10)) return undefined;
  for (let at = 0; at < d * d; at++) covariance[at] *= 1 - shrinkage;
  for (let k = 0; k < d; k++) covariance[k * d + k] += shrinkage * variance;

  const { values, vectors } = principalAxes(covariance, d, { count: d });
  const whitened = new Float32Array(n * d);
  for (let r = 0; r < d; r++) {
    const axis = vectors[r].map((x) => x * values[r] ** -0.25);
    for (let i = 0, at = 0; i < n; i++) {
      let sum = 0;
      for (let k = 0; k < d; k++) sum += centred[at++] * axis[k];
      whitened[i * d + r] = sum;
    }
  }
  for (let i = 0; i < n; i++) {
    toUnit(centred, i, d);
    toUnit(whitened, i, d);
  }
  return { centred: { data: centred, n, dimension: d }, whitened: { data: whitened, n, dimension: d } };
}

/** A row that is the mean of all has no direction, and is given any. */
function toUnit(rows: Float32Array, i: number, d: number): void {
  let square = 0;
  for (let k = i * d; k < (i + 1) * d; k++) square += rows[k] * rows[k];
  if (square < 1e-12) {
    rows.fill(0, i * d, (i + 1) * d);
    rows[i * d] = 1;
    return;
  }
  const length = Math.sqrt(square);
  for (let k = i * d; k < (i + 1) * d; k++) rows[k] /= length;
}
