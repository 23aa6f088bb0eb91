import { sigmoid } from "../util/sigmoid.js";

/** Natural log odds that something with a score is a fault. */
export type Odds = (score: number) => number;

/** Even where nothing looks like it, one corpus in ten has such a fault. */
const leastExpected = 0.1;

/**
 * The odds where scores are log likelihood ratios: all that they need is how many of the possible faults there are, which is found
 * together with the odds by expectation maximisation.
 *
 * @param scores of what may be a fault; those left out are none
 * @param possible how many there are in all
 */
export function faultOdds(scores: Float64Array, possible: number): Odds {
  let prior = Math.log(1 / possible);
  let expected = 1;
  // What may be a fault does not speak for itself: only the others say how many faults there are.
  const oddsOf = (score: number) =>
    score + Math.log(Math.max(leastExpected, expected - sigmoid(score + prior)) / possible);
  for (let round = 0; round < 50; round++) {
    const sum = scores.reduce((total, score) => total + sigmoid(oddsOf(score)), 0);
    expected = Math.max(leastExpected, sum);
    prior = Math.log(expected / possible);
  }
  return oddsOf;
}

/**
 * The odds where the scores cannot be taken at face value: faults may score anywhere between `least` and `most`, and what is none has an
 * exponential tail, which begins at the `tail`-th highest score. How many are faults, and how fast the tail falls, is found by expectation
 * maximisation (the "two groups" of Efron, "Microarrays, empirical Bayes and the two-groups model", Statistical Science 2008).
 */
export function tailOdds(
  scores: Float64Array,
  { least = 0, most, tail }: { least?: number; most: number; tail: number },
): Odds {
  if (scores.length < 2 || !(most > 1)) return () => -Infinity;
  const ordered = scores.slice().sort().reverse();
  const count = Math.max(1, Math.min(tail, ordered.length - 1));
  const start = ordered[count];
  const top = ordered.subarray(0, count);
  let chances = Float64Array.from(top, (score) => Number(score > most / 2));
  let expected = leastExpected;
  let [rate, rest] = [1, count];
  const oddsOf = (score: number) =>
    score > Math.max(least, start)
      ? Math.log(expected / (most - least)) - Math.log(Math.max(rest, 1e-9) * rate) + rate * (score - start)
      : -Infinity;
  for (let round = 0; round < 80; round++) {
    rest = 0;
    let beyond = 0;
    top.forEach((score, i) => {
      rest += 1 - chances[i];
      beyond += (1 - chances[i]) * (score - start);
    });
    // A faster fall would make the few scores of a small corpus surer than they are at face value.
    rate = Math.min(1, (rest + 0.5) / Math.max(beyond, 1e-9));
    chances = top.map((score) => sigmoid(oddsOf(score)));
    expected = Math.max(
      leastExpected,
      chances.reduce((sum, chance) => sum + chance, 0),
    );
  }
  return oddsOf;
}
