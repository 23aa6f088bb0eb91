import { type LabelledScores, type TiedScores, tiedScores } from "./tied-scores.js";

/**
 * The lowest `cllr` that any monotonic calibration of these scores could reach, in bits: after pooling adjacent violators
 * (isotonic regression of the labels on the scores). The difference to `cllr` is the calibration loss.
 *
 * @param scores cosines or any other scores: of both kinds, or labelled ones as `scoreTrials` gives them
 * @returns 0 (perfect separation) to 1 (no information)
 * @throws invalid for empty or not finite scores
 * @see Brümmer and du Preez, Application-independent evaluation of speaker detection, Computer Speech & Language 2006
 * @example
 * minCllr(intraInterScores(utterances));
 */
export function minCllr(scores: LabelledScores): number {
  return leastCostOfRatios(tiedScores(scores));
}

export function leastCostOfRatios({ target, nonTarget, targets, nonTargets }: TiedScores): number {
  // Pools with the counts of both kinds; the fraction of targets has to increase from pool to pool.
  const same = new Float64Array(target.length);
  const different = new Float64Array(target.length);
  let last = -1;
  for (let i = 0; i < target.length; i++) {
    if (target[i] + nonTarget[i] === 0) continue;
    last++;
    same[last] = target[i];
    different[last] = nonTarget[i];
    while (last > 0 && same[last] * different[last - 1] <= same[last - 1] * different[last]) {
      same[last - 1] += same[last];
      different[last - 1] += different[last];
      last--;
    }
  }
  // The likelihood ratio of a pool is (share of all targets) / (share of all non-targets).
  let cost = 0;
  for (let p = 0; p <= last; p++) {
    const [t, n] = [same[p] / targets, different[p] / nonTargets];
    if (t > 0) cost += t * Math.log2(1 + n / t);
    if (n > 0) cost += n * Math.log2(1 + t / n);
  }
  return cost / 2;
}
