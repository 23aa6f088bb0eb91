import { invalid } from "../errors.js";
import { logSum } from "../util/log-sum.js";
import { sigmoid } from "../util/sigmoid.js";

/** Scores of both kinds. */
export interface Kinds {
  target: ArrayLike<number>;
  nonTarget: ArrayLike<number>;
}

/**
 * Fits log-likelihood ratio = scale * score + offset: logistic regression without penalty, with both kinds weighted equally, by
 * Newton's method.
 *
 * @param start initial line, which saves steps when it is close
 * @throws `invalid` when there is no best line: for constant scores, and for scores that separate the kinds completely or in reverse
 */
export function logisticRegression(
  { target, nonTarget }: Kinds,
  start?: { scale: number; offset: number },
): { scale: number; offset: number } {
  const [lowT, highT, meanT] = extent(target);
  const [lowN, highN, meanN] = extent(nonTarget);
  if (Math.min(lowT, lowN) === Math.max(highT, highN))
    throw invalid(`All scores are ${lowT}. Scores that do not vary cannot be calibrated.`, {
      got: lowT,
    });
  if (!(meanT > meanN))
    throw invalid(
      `The target trials score ${meanT.toFixed(4)} on average, the non-target trials ${meanN.toFixed(4)}. Targets have to score higher. Are the labels the other way round?`,
    );
  if (lowT >= highN)
    throw invalid(
      `Every target trial scores at or above every non-target trial (${lowT.toFixed(4)} and ${highN.toFixed(4)}), so there is no best scale: any larger one fits better. Add harder trials: more speakers, shorter or noisier speech.`,
    );
  // On centred and scaled scores Newton's steps rarely need damping.
  const centre = (meanT + meanN) / 2;
  const width = meanT - meanN;
  let [a, b] = start ? [start.scale * width, start.offset + start.scale * centre] : [2, 0];
  let loss = lossOf(a, b);
  for (let step = 0; step < 200; step++) {
    const [ga, gb, haa, hab, hbb] = derivatives(a, b);
    const determinant = haa * hbb - hab * hab;
    const [da, db] = [(hbb * ga - hab * gb) / determinant, (haa * gb - hab * ga) / determinant];
    const gain = ga * da + gb * db;
    if (!Number.isFinite(gain)) break;
    let size = 1;
    // Close to the optimum full steps are right, and their gain is lost in the rounding of the loss.
    if (gain > 1e-9) {
      let next = lossOf(a - da, b - db);
      while (!(next <= loss) && size > 1e-6) {
        size /= 2;
        next = lossOf(a - size * da, b - size * db);
      }
      if (!(next <= loss)) break;
      loss = next;
    }
    [a, b] = [a - size * da, b - size * db];
    // Convergence is quadratic: the next step would be negligible.
    if (gain < 1e-14) break;
  }
  return { scale: a / width, offset: b - (a * centre) / width };

  function lossOf(a: number, b: number): number {
    const of = (scores: ArrayLike<number>, sign: number) => {
      let sum = 0;
      for (let i = 0; i < scores.length; i++) {
        const x = -sign * ((a * (scores[i] - centre)) / width + b);
        sum += logSum(0, x);
      }
      return sum / scores.length / 2;
    };
    return of(target, 1) + of(nonTarget, -1);
  }

  function derivatives(a: number, b: number): number[] {
    const sums = [0, 0, 0, 0, 0];
    for (const [scores, answer] of [
      [target, 1],
      [nonTarget, 0],
    ] as const) {
      const weight = 1 / scores.length / 2;
      for (let i = 0; i < scores.length; i++) {
        const x = (scores[i] - centre) / width;
        const p = sigmoid(a * x + b);
        const slope = weight * (p - answer);
        const curve = weight * p * (1 - p);
        sums[0] += slope * x;
        sums[1] += slope;
        sums[2] += curve * x * x;
        sums[3] += curve * x;
        sums[4] += curve;
      }
    }
    return sums;
  }
}

function extent(scores: ArrayLike<number>): [low: number, high: number, mean: number] {
  let [low, high, sum] = [Infinity, -Infinity, 0];
  for (let i = 0; i < scores.length; i++) {
    low = Math.min(low, scores[i]);
    high = Math.max(high, scores[i]);
    sum += scores[i];
  }
  return [low, high, sum / scores.length];
}
