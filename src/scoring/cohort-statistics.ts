import { invalid } from "../errors.js";
import { quantity } from "../shared/text.js";
import { checkedRows, compare } from "../similarity/compare.js";
import type { LongTask, Matrix } from "../types.js";
import { demandWhole } from "../util/demand.js";
import { type Rows, type UnitRows, unitRows } from "../vectors/unit-rows.js";
import { bestValues } from "./best-values.js";

/** How each row scores against a cohort: one entry per row. */
export interface CohortStatistics {
  mean: Float64Array;
  /** Population deviation. */
  std: Float64Array;
}

export interface CohortOptions extends LongTask {
  topN?: number;
  backend?: string;
}

/**
 * Mean and population deviation of every row's cosines with a cohort, or with its `topN` nearest there.
 *
 * @throws `invalid` for a cohort of fewer than two or than `topN`, and for scores that do not vary
 */
export async function cohortStatistics(
  rows: Rows,
  cohort: Rows,
  { topN, ...task }: CohortOptions,
): Promise<CohortStatistics> {
  const others = unitRows(cohort, { what: "Cohort row" });
  if (others.n < 2)
    throw invalid(
      `The cohort has ${quantity(others.n, "embedding")}. Normalising needs at least 2, better 300 and more.`,
      {
        got: others.n,
      },
    );
  if (topN !== undefined) demandWhole("topN", topN, 2);
  if (topN !== undefined && topN > others.n)
    throw invalid(
      `The cohort has ${quantity(others.n, "embedding")}, fewer than topN (${topN}). Give a larger cohort, or a smaller topN.`,
      { got: topN },
    );
  const own = unitRows(rows);
  if (own.dimension !== others.dimension)
    throw invalid(
      `The embeddings have ${own.dimension} numbers, and those of the cohort ${others.dimension}: they are of two models. Take a cohort of the same model.`,
      { got: others.dimension },
    );
  const statistics =
    topN === undefined ? ofAll(own, others) : await ofNearest(rows, cohort, { topN, ...task });
  const flat = statistics.std.findIndex((std) => !(std > 1e-7));
  if (flat >= 0)
    throw invalid(
      `All scores of embedding ${flat} with the cohort are the same (${statistics.mean[flat].toFixed(4)}), so nothing can be normalised by them. Does the cohort hold one voice only?`,
    );
  return statistics;
}

async function ofNearest(
  rows: Rows,
  cohort: Rows,
  { topN, ...task }: CohortOptions & { topN: number },
): Promise<CohortStatistics> {
  const whole = checkedRows(rows, { against: cohort, maxPairs: 0, threshold: 1 });
  const { n } = whole.first;
  const mean = new Float64Array(n);
  const std = new Float64Array(n);
  const onRows = ({ data, rows: height, columns }: Matrix, firstRow: number) => {
    for (let i = 0; i < height; i++) {
      const best = bestValues(data, i * columns, (i + 1) * columns, topN);
      mean[firstRow + i] = best.mean;
      std[firstRow + i] = best.std;
    }
  };
  await compare(whole, { ...task, onRows });
  return { mean, std };
}

/** Needs no matrix of scores: with m and C, the mean and covariance of the cohort, the scores of a row a have the mean a·m and
 * the variance aᵀCa. */
function ofAll({ data, n, dimension }: UnitRows, others: UnitRows): CohortStatistics {
  const centre = new Float64Array(dimension);
  for (let at = 0; at < others.data.length; at++) centre[at % dimension] += others.data[at] / others.n;
  const covariance = new Float64Array(dimension * dimension);
  const row = new Float64Array(dimension);
  for (let c = 0; c < others.n; c++) {
    for (let k = 0; k < dimension; k++) row[k] = others.data[c * dimension + k] - centre[k];
    for (let k = 0; k < dimension; k++)
      for (let l = k; l < dimension; l++) covariance[k * dimension + l] += (row[k] * row[l]) / others.n;
  }
  const mean = new Float64Array(n);
  const std = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    const vector = data.subarray(i * dimension, (i + 1) * dimension);
    let variance = 0;
    for (let k = 0; k < dimension; k++) {
      mean[i] += vector[k] * centre[k];
      let sum = (covariance[k * dimension + k] * vector[k]) / 2;
      for (let l = k + 1; l < dimension; l++) sum += covariance[k * dimension + l] * vector[l];
      variance += 2 * vector[k] * sum;
    }
    std[i] = Math.sqrt(Math.max(0, variance));
  }
  return { mean, std };
}
