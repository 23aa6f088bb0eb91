import { onAxes, people } from "../audit/people.js";
import type { UnitRows } from "../vectors/unit-rows.js";
import { countOf, type Joining, sizesOf, type Voices } from "./voices.js";

/**
 * How much of what sets a person's utterances apart from their voice they may have in common: their channel, style and words. It
 * is found out, and `usual` where that is not possible.
 */
const alikenesses = [0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4];
const usual = 0.15;
/** The part of what the first pass joined last that has to be one person to the model too. */
const agreement = 0.8;
/** Rows on the axes of a model at a time, to bound the memory. */
const blockRows = 32_768;

export interface LearnedVoices extends Voices {
  /** How much a person's rows have in common beyond the voice, in (0, 1). */
  r: number;
}

/**
 * Groups are as alike as it is likelier that they are of one person than of two: the log likelihood ratio of a two-covariance
 * model between the sets of their rows, as `pldaScore` has it, but with n rows counted as n / (1 + r (n - 1)). The model takes rows to be
 * independent of each other once their speaker is known. They are not, so that large groups would look different
 * however alike they are. The r is the least with which the model agrees that the two parts that became a group last are one
 * person, in four fifths of their pairs of rows: high where people come in several styles, low where every utterance has a channel of
 * its own.
 *
 * The model is trained on groups, which are thought to be people. One that has seen a wrong group explains it away, so there are
 * five, each for the rows of a fifth of the groups, which it has not seen. With very many rows a single model will do.
 *
 * @param parts the groups before the last join of each
 * @param least from which likeness on two groups are one person
 */
export function learnedVoices(
  { data, n, dimension }: Pick<UnitRows, "data" | "n" | "dimension">,
  trainedOn: Int32Array,
  parts: Int32Array,
  least: number,
): LearnedVoices {
  const folds = n - countOf(trainedOn) > 50 * dimension ? 1 : 5;
  const known = people({ data, n, dimension }, trainedOn, new Float64Array(n).fill(1), { folds });
  const models = Array.from({ length: folds }, (_, fold) => {
    const model = known.modelWithout(fold);
    const rank = model.between.length;
    const rows = new Float32Array(n * rank);
    for (let from = 0; from < n; from += blockRows)
      rows.set(onAxes(model, data.subarray(from * dimension, (from + blockRows) * dimension)), from * rank);
    return { rank, rows, evidence: evidenceOf(model.between) };
  });
  const foldOf = Int32Array.from(trainedOn, (group) => known.foldOf(group));

  /** The sums of the rows of groups on the axes of every model, and how many rows each model judges. */
  const sumsOf = (groups: Int32Array) => {
    const sizes = sizesOf(groups);
    const judged = new Float64Array(sizes.length * folds);
    groups.forEach((group, i) => {
      judged[group * folds + foldOf[i]]++;
    });
    const sums = models.map(({ rank, rows }) => {
      const sum = new Float64Array(sizes.length * rank);
      for (let i = 0; i < n; i++)
        for (let r = 0; r < rank; r++) sum[groups[i] * rank + r] += rows[i * rank + r];
      return sum;
    });
    return { sizes, judged, sums };
  };

  /** Joins groups, numbered from 0, where r is how much their rows have in common. */
  const joining = (groups: Int32Array, r: number): Joining => {
    const { sizes, judged, sums } = sumsOf(groups);
    const ownEvidence = (fold: number, a: number) => {
      const { rank, evidence } = models[fold];
      const scale = scaleOf(sizes[a], r);
      return evidence(sizes[a] * scale, sums[fold], a * rank, scale);
    };
    const own = models.map((_, fold) => Float64Array.from(sizes, (_, a) => ownEvidence(fold, a)));
    return {
      likeness(a, b) {
        const [ofA, ofB] = [scaleOf(sizes[a], r), scaleOf(sizes[b], r)];
        const count = sizes[a] * ofA + sizes[b] * ofB;
        let ratio = 0;
        for (let fold = 0; fold < folds; fold++) {
          const part = judged[a * folds + fold] / sizes[a] + judged[b * folds + fold] / sizes[b];
          if (part === 0) continue;
          const { rank, evidence } = models[fold];
          const sum = sums[fold];
          ratio +=
            part * (evidence(count, sum, a * rank, ofA, sum, b * rank, ofB) - own[fold][a] - own[fold][b]);
        }
        return ratio / 2;
      },
      join(a, b) {
        sizes[a] += sizes[b];
        for (let fold = 0; fold < folds; fold++) {
          const { rank } = models[fold];
          const sum = sums[fold];
          for (let k = 0; k < rank; k++) sum[a * rank + k] += sum[b * rank + k];
          judged[a * folds + fold] += judged[b * folds + fold];
          own[fold][a] = ownEvidence(fold, a);
        }
      },
    };
  };

  const r = alikenesses.find((r) => agrees(trainedOn, parts, joining(parts, r), least)) ?? usual;
  return {
    n,
    r,
    joining: () =>
      joining(
        Int32Array.from({ length: n }, (_, i) => i),
        r,
      ),
    toGroups(groups) {
      const { sizes, sums } = sumsOf(groups);
      const rest = new Float64Array(Math.max(...models.map(({ rank }) => rank)));
      return (i, group) => {
        const fold = foldOf[i];
        const { rank, rows, evidence } = models[fold];
        const isOwn = groups[i] === group;
        for (let k = 0; k < rank; k++)
          rest[k] = sums[fold][group * rank + k] - (isOwn ? rows[i * rank + k] : 0);
        const size = sizes[group] - Number(isOwn);
        const scale = scaleOf(size, r);
        return (
          evidence(size * scale + 1, rest, 0, scale, rows, i * rank, 1) -
          evidence(size * scale, rest, 0, scale) -
          evidence(1, rows, i * rank, 1)
        );
      };
    },
  };
}

const scaleOf = (size: number, r: number) => 1 / (1 + r * (size - 1));

/**
 * Whether the parts of most groups are one person. Parts of a single row say nothing about what a person's rows have in common.
 */
function agrees(groups: Int32Array, parts: Int32Array, { likeness }: Joining, least: number): boolean {
  const sizes = sizesOf(parts);
  const first = new Int32Array(countOf(groups)).fill(-1);
  let [pairs, agreed] = [0, 0];
  const seen = new Set<number>();
  groups.forEach((group, i) => {
    const part = parts[i];
    if (seen.has(part)) return;
    seen.add(part);
    if (first[group] < 0) {
      first[group] = part;
      return;
    }
    const [a, b] = [first[group], part];
    if (sizes[a] < 2 || sizes[b] < 2) return;
    pairs += sizes[a] * sizes[b];
    if (likeness(a, b) >= least) agreed += sizes[a] * sizes[b];
  });
  return pairs > 0 && agreed >= agreement * pairs;
}

type Values = Float64Array | Float32Array;

/**
 * How much likelier rows are as those of one person than each as that of another who is the mean of all, from their count n and
 * sum s: Σ (s² ψ / (1 + nψ) - log(1 + nψ)) / 2 over the axes. Of two groups joined, less that of each, it is the log
 * likelihood ratio.
 */
function evidenceOf(between: Float64Array) {
  const rank = between.length;
  return (
    count: number,
    sums: Values,
    at: number,
    scale: number,
    others?: Values,
    from = 0,
    ofOthers = 1,
  ): number => {
    let evidence = 0;
    // One logarithm for as many factors as a number holds.
    let factors = 1;
    for (let r = 0; r < rank; r++) {
      const sum =
        others === undefined ? scale * sums[at + r] : scale * sums[at + r] + ofOthers * others[from + r];
      const factor = 1 + count * between[r];
      evidence += (sum * sum * between[r]) / factor;
      factors *= factor;
      if (factors > 1e200) {
        evidence -= Math.log(factors);
        factors = 1;
      }
    }
    return (evidence - Math.log(factors)) / 2;
  };
}
