import { sigmoid } from "../util/sigmoid.js";
import { quantile } from "../vectors/quantile.js";

export interface TwoGroups {
  /** Natural log odds that a score is of a fault; -Infinity below the tail. */
  oddsOf(score: number): number;
  /** How many of the observed scores are of a fault, as far as can be told. */
  expected: number;
}

/**
 * Tells faults by their scores, where examples of faults can be made from the corpus itself and nearly all that is observed
 * is none: the "two groups" of Efron, "Microarrays, empirical Bayes and the two-groups model", Statistical Science 2008.
 *
 * The scores of faults are normal, with the median and the lower quartile of those that were planted; above the median
 * nothing speaks against a fault. Those of the rest have an exponential tail above the `tail`-th highest. How many are
 * faults and how fast the tail falls is found by expectation maximisation.
 *
 * @param observed scores, higher is worse
 * @param planted scores of faults made on purpose
 * @param options.isShifted faults score lower than those planted, nobody knows by how much: from the start of the tail on
 * they are nearly as likely anywhere
 */
export function twoGroups(
  observed: Float64Array,
  planted: Float64Array,
  { tail, isShifted = false }: { tail: number; isShifted?: boolean },
): TwoGroups {
  const nothing = { oddsOf: () => -Infinity, expected: 0 };
  if (observed.length < 2 || planted.length < 4) return nothing;
  const examples = planted.slice().sort();
  const middle = quantile(examples, 0.5);
  const low = quantile(examples, 0.25);
  const ordered = observed.slice().sort().reverse();
  const count = Math.max(1, Math.min(tail, ordered.length - 1));
  const start = ordered[count];
  const top = ordered.subarray(0, count);
  const deviation = Math.max((middle - low) / 0.6745, isShifted ? (middle - start) / 2 : 0, 1e-6);

  const logOfFault = (x: number) =>
    -0.5 * ((Math.min(x, middle) - middle) / deviation) ** 2 - Math.log(deviation * Math.sqrt(2 * Math.PI));
  let chances = Float64Array.from(top, (x) => Number(x > low));
  let faults = Math.max(0.5, 0.01 * count);
  let [rate, rest] = [1, count];
  for (let round = 0; round < 60; round++) {
    rest = 0;
    let beyond = 0;
    top.forEach((x, i) => {
      rest += 1 - chances[i];
      beyond += (1 - chances[i]) * (x - start);
    });
    rate = (rest + 0.5) / Math.max(beyond, 1e-9);
    chances = top.map((x) => sigmoid(logOddsOf(x)));
    faults = Math.max(
      0.5,
      chances.reduce((sum, chance) => sum + chance, 0),
    );
  }
  function logOddsOf(x: number): number {
    const ofRest = Math.log(Math.max(rest, 1e-9)) + Math.log(rate) - rate * (x - start);
    return Math.log(faults) + logOfFault(x) - ofRest;
  }
  return { oddsOf: (x) => (x > start ? logOddsOf(x) : -Infinity), expected: faults };
}
