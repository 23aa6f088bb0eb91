import { onAxes, people } from "../audit/people.js";
import type { UnitRows } from "../vectors/unit-rows.js";
import { countOf, type Likeness } from "./link.js";

type Vectors = Pick<UnitRows, "data" | "n" | "dimension">;

/** Cosines as log likelihood ratios: scale x cosine + offset. */
export function cosineLikeness({ data, n, dimension }: Vectors, scale: number, offset: number): Likeness {
  const width = dimension + 1;
  const left = new Float32Array(n * width);
  const right = new Float32Array(n * width);
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < dimension; k++) {
      right[i * width + k] = data[i * dimension + k];
      left[i * width + k] = scale * data[i * dimension + k];
    }
    left[i * width + dimension] = offset;
    right[i * width + dimension] = 1;
  }
  return { n, width, left, right };
}

/**
 * Log likelihood ratios of a two-covariance model trained on groups, which are thought to be people. A pair's is the mean of two
 * models', neither of which has seen one of the two: a model that has seen a wrong group explains it away. With very many rows a
 * single model will do.
 */
export function learnedLikeness(rows: Vectors, groups: Int32Array): Likeness {
  const { n, dimension } = rows;
  const folds = n - countOf(groups) > 50 * dimension ? 1 : 5;
  const known = people(rows, groups, new Float64Array(n).fill(1), {
    folds,
    shrinkage: 0.5,
    betweenShrinkage: 0.5,
  });
  const models = Array.from({ length: folds }, (_, fold) => known.modelWithout(fold));
  const block = Math.max(...models.map(({ between }) => between.length)) + 2;
  const width = folds * block;
  const left = new Float32Array(n * width);
  const right = new Float32Array(n * width);
  for (const [fold, model] of models.entries()) {
    const { between } = model;
    const rank = between.length;
    const at = fold * block;
    // log N(x, y; same speaker) - log N(x) - log N(y), on each axis, in powers of x and y.
    let constant = 0;
    for (const psi of between) constant += Math.log1p(psi) - Math.log1p(2 * psi) / 2;
    const steps = 4096;
    for (let from = 0; from < n; from += steps) {
      const to = Math.min(n, from + steps);
      const axes = onAxes(model, rows.data.subarray(from * dimension, to * dimension));
      for (let i = from; i < to; i++) {
        let square = 0;
        const isOwn = known.foldOf(groups[i]) === fold;
        for (let r = 0; r < rank; r++) {
          const psi = between[r];
          const x = axes[(i - from) * rank + r];
          square += (x * x * (psi / (1 + 2 * psi) - psi / (1 + psi))) / 2;
          const weighed = x * Math.sqrt(psi / (1 + 2 * psi));
          right[i * width + at + r] = weighed;
          if (isOwn) left[i * width + at + r] = weighed;
        }
        right[i * width + at + rank] = 1;
        right[i * width + at + rank + 1] = square;
        if (isOwn) {
          left[i * width + at + rank] = square + constant;
          left[i * width + at + rank + 1] = 1;
        }
      }
    }
  }
  return { n, width, left, right };
}
