import { type Plda, type PldaOptions, pldaOfSums } from "../scoring/plda.js";
import { gramRows, openGram } from "../similarity/gram.js";
import type { AuditCorpus } from "./audit-corpus.js";

/** Who the rows are thought to be, and models trained on these people. */
export interface People {
  /** Int32Array (n): row to person. */
  personOf: Int32Array;
  count: number;
  /** Float64Array (count): the weights of each one's rows, summed. */
  counts: Float64Array;
  /** Float64Array (count, dimension): the weighted sum of these rows. */
  sums: Float64Array;
  folds: number;
  /** Whose rows no model of the fold has seen. */
  foldOf(person: number): number;
  /** The model trained on everybody outside a fold; where there is one fold, on everybody. */
  modelWithout(fold: number): Plda;
}

export interface PeopleOptions extends PldaOptions {
  folds?: number;
}

/**
 * @param personOf Int32Array (n): any numbers from 0 on
 * @param weights Float64Array (n): how sure it is, 0 to 1, that a row is of its person
 * @param options shrinkage, by default what the numbers of rows and people ask for
 */
export function people(
  { data, n, dimension: d }: Pick<AuditCorpus, "data" | "n" | "dimension">,
  personOf: Int32Array,
  weights: Float64Array,
  { folds = 1, ...options }: PeopleOptions = {},
): People {
  const count = personOf.reduce((most, person) => Math.max(most, person), -1) + 1;
  const foldOf = (person: number) => person % folds;
  const counts = new Float64Array(count);
  const sums = new Float64Array(count * d);
  for (let i = 0; i < n; i++) {
    const person = personOf[i];
    counts[person] += weights[i];
    for (let k = 0; k < d; k++) sums[person * d + k] += weights[i] * data[i * d + k];
  }
  const squares = Array.from({ length: folds }, (_, fold) => {
    const rowsOfFold = function* () {
      for (let i = 0; i < n; i++) if (foldOf(personOf[i]) === fold) yield i;
    };
    return weightedScatter({ data, dimension: d }, rowsOfFold(), weights);
  });

  const modelWithout = (fold: number) => {
    const isOther = (other: number) => folds === 1 || other !== fold;
    const freedomOf = (isIn: (person: number) => boolean) =>
      counts.reduce((sum, x, person) => sum + (x > 1 && isIn(foldOf(person)) ? x - 1 : 0), 0);
    // Where the others are too few to learn from, the fold has to help.
    const isIn = freedomOf(isOther) >= 2 ? isOther : () => true;
    const own = counts.map((x, person) => (isIn(foldOf(person)) ? x : 0));
    return pldaOfSums(
      {
        dimension: d,
        sums,
        counts: own,
        squares: squares.reduce(
          (sum, of, other) => (isIn(other) ? sum.map((x, at) => x + of[at]) : sum),
          new Float64Array(d * d),
        ),
      },
      { ...shrinkageFor(own, d), ...options },
    );
  };
  const models: Plda[] = [];
  return {
    personOf,
    count,
    counts,
    sums,
    folds,
    foldOf,
    modelWithout(fold) {
      models[fold] ??= modelWithout(fold);
      return models[fold];
    },
  };
}

/**
 * The fewer utterances and speakers there are for the dimensions, the less what they show of the covariances can be trusted:
 * a prior worth 4 d utterances stands for the one within speakers, one worth d speakers for the one between them.
 */
function shrinkageFor(counts: Float64Array, d: number) {
  const speakers = counts.filter((x) => x > 0.5).length;
  const freedom = counts.reduce((sum, x) => sum + Math.max(0, x - 1), 0);
  return { shrinkage: d / (d + freedom / 4), betweenShrinkage: d / (d + speakers) };
}

function weightedScatter(
  { data, dimension: d }: Pick<AuditCorpus, "data" | "dimension">,
  rows: Iterable<number>,
  weights: Float64Array,
): Float64Array {
  const gram = openGram(d);
  const { rows: block, size } = gram;
  let filled = 0;
  for (const i of rows) {
    const root = Math.sqrt(weights[i]);
    for (let k = 0; k < d; k++) block[filled * size + k] = root * data[i * d + k];
    if (++filled < gramRows) continue;
    gram.add(filled);
    filled = 0;
  }
  gram.add(filled);
  const sum = gram.sum();
  return Float64Array.from({ length: d * d }, (_, at) => sum[Math.floor(at / d) * size + (at % d)]);
}

/**
 * Sums of rows, divided by their counts, on the axes of a model; with counts of 1 the rows themselves.
 *
 * @returns Float64Array (rows, rank)
 */
export function onAxes(
  { dimension: d, mean, axes, between }: Plda,
  sums: Float64Array | Float32Array,
  counts?: Float64Array,
): Float64Array {
  const rank = between.length;
  const rows = sums.length / d;
  const offsets = Float64Array.from(between, (_, r) => {
    let sum = 0;
    for (let k = 0; k < d; k++) sum += mean[k] * axes[r * d + k];
    return sum;
  });
  const result = new Float64Array(rows * rank);
  for (let i = 0; i < rows; i++) {
    const count = counts === undefined || counts[i] === 0 ? 1 : counts[i];
    // Four axes at a time: the additions then need not wait for each other.
    for (let r = 0; r < rank; r += 4) {
      const q0 = r * d;
      const q1 = Math.min(r + 1, rank - 1) * d;
      const q2 = Math.min(r + 2, rank - 1) * d;
      const q3 = Math.min(r + 3, rank - 1) * d;
      let [sum0, sum1, sum2, sum3] = [0, 0, 0, 0];
      for (let k = 0, p = i * d; k < d; k++) {
        const x = sums[p + k];
        sum0 += x * axes[q0 + k];
        sum1 += x * axes[q1 + k];
        sum2 += x * axes[q2 + k];
        sum3 += x * axes[q3 + k];
      }
      const at = i * rank + r;
      result[at] = sum0 / count - offsets[r];
      if (r + 1 < rank) result[at + 1] = sum1 / count - offsets[r + 1];
      if (r + 2 < rank) result[at + 2] = sum2 / count - offsets[r + 2];
      if (r + 3 < rank) result[at + 3] = sum3 / count - offsets[r + 3];
    }
  }
  return result;
}
