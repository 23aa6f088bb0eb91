import { logSum } from "../util/log-sum.js";
import type { AuditCorpus } from "./audit-corpus.js";
import { onAxes, type People } from "./people.js";
import { type LabelEvidence, trust } from "./wrong-labels.js";

/** What is thought of the labels of a corpus. */
export interface Labels {
  /** Float64Array (n): how sure it is that a row is of its name. */
  weights: Float64Array;
  evidence: LabelEvidence;
  /** The share of labels that are wrong. */
  wrong: number;
}

/** A choice of the rows of a name that are its owner's. */
interface Choice {
  /** A bit for each row; -1 where there are too many rows to choose. */
  rows: number;
  /** How many they are, by their weights. */
  count: number;
  /** Float64Array (rank): their sum on the axes of the model. */
  sum: Float64Array;
  /** The sum of their squares, each axis by ψ / (ψ + 1). */
  square: number;
}

/** Of a name with no more rows every choice of its owner's is weighed. */
const mostRows = 4;

/** What speaks for two names being of one person. */
export interface OnePerson {
  /** The natural log likelihood ratio. */
  score: number;
  /** The likeliest choice of the first's and of the second's rows; see `Choice`. */
  firstRows: number;
  secondRows: number;
}

/**
 * How much likelier it is that two names have one owner than that they have two, where any of their labels may be wrong.
 *
 * A name of few rows says little of who owns it: where two rows have two voices, either may be the wrong label. So each choice S of
 * its owner's rows is weighed by Π_S (1-ε)(1-κ) · exp(c(S) / 2) · Π_rest ((1-ε) κ + ε a): ε is the share of wrong labels,
 * κ the one of utterances that sound like nobody, a what speaks for somebody else (`LabelEvidence.alternative`), and c the log likelihood
 * ratio of one person against one for each row. Names with more than four rows have the rows that they seem to have.
 *
 * @param people the names, each a person
 */
export function onePerson(corpus: AuditCorpus, people: People, labels: Labels) {
  const { names, data, dimension: d } = corpus;
  const model = people.modelWithout(0);
  const { between } = model;
  const rank = between.length;
  const constants = new Map<number, number>();
  const choices = new Map<number, Choice[]>();
  const likelihoods = new Map<number, number>();

  return (first: number, second: number): OnePerson => {
    let [score, most, firstRows, secondRows] = [-Infinity, -Infinity, -1, -1];
    for (const a of choicesOf(first)) {
      const chance = chanceOf(first, a, second);
      for (const b of choicesOf(second)) {
        const likelihood = chance + chanceOf(second, b, first) + trust * cohesion(a, b);
        score = logSum(score, likelihood);
        if (likelihood > most) [most, firstRows, secondRows] = [likelihood, a.rows, b.rows];
      }
    }
    return { score: score - likelihoodOf(first) - likelihoodOf(second), firstRows, secondRows };
  };

  function likelihoodOf(name: number): number {
    let sum = likelihoods.get(name);
    if (sum === undefined) {
      sum = choicesOf(name).reduce(
        (log, choice) => logSum(log, chanceOf(name, choice) + trust * cohesion(choice)),
        -Infinity,
      );
      likelihoods.set(name, sum);
    }
    return sum;
  }

  function chanceOf(name: number, { rows }: Choice, other = -1): number {
    if (rows < 0) return 0;
    const { from, to } = names[name];
    const { nearest, rest, alternative } = labels.evidence;
    // Without any row of the owner's even the one was moved that the name was made for.
    let sum = rows === 0 ? Math.log(labels.wrong) : 0;
    const taken = [other];
    for (let i = from; i < to; i++) {
      if ((rows >> (i - from)) & 1) sum += chanceOfOwn(labels);
      else {
        // Two wrong labels that hide the same person are no coincidence.
        sum += chanceOfOther(labels, taken.includes(nearest[i]) ? rest[i] : alternative[i]);
        taken.push(nearest[i]);
      }
    }
    return sum;
  }

  /** The log likelihood ratio of the rows of one choice or two being of one person, against one person for each. */
  function cohesion(a: Choice, b?: Choice): number {
    const count = a.count + (b?.count ?? 0);
    let constant = constants.get(count);
    if (constant === undefined) {
      constant = between.reduce((sum, psi) => sum + count * Math.log(psi + 1) - Math.log(count * psi + 1), 0);
      constants.set(count, constant);
    }
    let sum = constant - a.square - (b?.square ?? 0);
    for (let r = 0; r < rank; r++) {
      const x = a.sum[r] + (b === undefined ? 0 : b.sum[r]);
      sum += (x * x * between[r]) / (count * between[r] + 1);
    }
    return sum / 2;
  }

  function choicesOf(name: number): Choice[] {
    let found = choices.get(name);
    if (found === undefined) {
      const { from, to } = names[name];
      found = to - from > mostRows ? [seeming(name)] : all(from, to);
      choices.set(name, found);
    }
    return found;
  }

  /** Each row by its weight. Where there is one choice alone its square cancels, and is left out. */
  function seeming(name: number): Choice {
    const count = people.counts[name];
    const mean = onAxes(model, people.sums.subarray(name * d, (name + 1) * d), Float64Array.of(count));
    return { rows: -1, count, sum: mean.map((x) => x * count), square: 0 };
  }

  function all(from: number, to: number): Choice[] {
    const rows = onAxes(model, data.subarray(from * d, to * d));
    return Array.from({ length: 1 << (to - from) }, (_, bits) => {
      const sum = new Float64Array(rank);
      let [count, square] = [0, 0];
      for (let row = 0; row < to - from; row++) {
        if (!((bits >> row) & 1)) continue;
        count++;
        for (let r = 0; r < rank; r++) {
          const x = rows[row * rank + r];
          sum[r] += x;
          square += (x * x * between[r]) / (between[r] + 1);
        }
      }
      return { rows: bits, count, sum, square };
    });
  }
}

/** The log chance that a row is its owner's, and sounds like her. */
export const chanceOfOwn = ({ wrong, evidence }: Labels): number =>
  Math.log((1 - wrong) * (1 - evidence.outlier));

/** The log chance that a row is of somebody else, whom it sounds like by so much, or sounds like nobody. */
export const chanceOfOther = ({ wrong, evidence }: Labels, alternative: number): number =>
  logSum(Math.log((1 - wrong) * evidence.outlier), Math.log(wrong) + alternative);
