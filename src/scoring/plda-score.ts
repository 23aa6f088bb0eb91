import { invalid } from "../errors.js";
import { quantity } from "../shared/text.js";
import { unitRows } from "../vectors/unit-rows.js";
import type { Plda } from "./plda.js";

/** What a model knows of a set of utterances of one speaker. */
export interface PldaSet {
  /** Utterances, 1 or more. */
  count: number;
  /** Float64Array (rank): the mean of their coordinates on the model's axes. */
  mean: Float64Array;
}

/**
 * A set of utterances, one or more, as `pldaScore` compares them.
 *
 * @throws `invalid` for no embeddings, and for those of another length than the model's
 * @example
 * const enrolled = pldaSet(plda(utterances), utterances.slice(0, 3));
 */
export function pldaSet(
  model: Pick<Plda, "dimension" | "mean" | "axes" | "between">,
  utterances: readonly { key?: string; embedding: Float32Array }[],
): PldaSet {
  const { data, n, dimension } = unitRows(utterances);
  if (n === 0) throw invalid("The set has no utterances. Give one or more.");
  if (dimension !== model.dimension)
    throw invalid(
      `The embeddings have ${quantity(dimension, "value")}, the PLDA model is for ${model.dimension}. Take embeddings of one model.`,
      { got: dimension },
    );
  const mean = new Float64Array(model.between.length);
  for (let i = 0; i < n; i++)
    coordinates(model, data, i).forEach((x, r) => {
      mean[r] += x / n;
    });
  return { count: n, mean };
}

/**
 * Row i of unit vectors on the axes of a model.
 *
 * @returns Float64Array (rank)
 */
export function coordinates(
  { dimension: d, mean, axes, between }: Pick<Plda, "dimension" | "mean" | "axes" | "between">,
  data: Float32Array,
  i: number,
): Float64Array {
  const result = new Float64Array(between.length);
  for (let r = 0; r < result.length; r++) {
    let sum = 0;
    for (let k = 0; k < d; k++) sum += (data[i * d + k] - mean[k]) * axes[r * d + k];
    result[r] = sum;
  }
  return result;
}

/**
 * How much likelier it is that two sets of utterances are of one speaker than of two: the natural log likelihood ratio.
 *
 * With n utterances of mean a in one set and m of mean b in the other, on an axis with the variance ψ between speakers:
 * log N(b; nψ/(nψ+1) a, ψ/(nψ+1) + 1/m) - log N(b; 0, ψ + 1/m), summed over the axes. It is the same the other way round.
 *
 * @example
 * const trained = plda(utterances);
 * const score = pldaScore(trained, pldaSet(trained, utterances.slice(0, 2)), pldaSet(trained, [utterances[2]]));
 */
export function pldaScore({ between }: Pick<Plda, "between">, a: PldaSet, b: PldaSet): number {
  let sum = 0;
  for (let r = 0; r < between.length; r++) {
    const psi = between[r];
    const known = a.count * psi + 1;
    const gap = b.mean[r] - (a.count * psi * a.mean[r]) / known;
    const same = psi / known + 1 / b.count;
    const other = psi + 1 / b.count;
    sum += (b.mean[r] * b.mean[r]) / other - (gap * gap) / same + Math.log(other / same);
  }
  return sum / 2;
}
