import { type OperatingPoints, operatingPoints } from "./operating-points.js";
import { type LabelledScores, tiedScores } from "./tied-scores.js";

/**
 * The equal error rate: where the fraction of rejected target trials equals that of accepted non-target trials.
 *
 * Rates are interpolated linearly between operating points. Where the scores do not overlap the rate is 0 and the threshold
 * is the middle of the gap. (WeSpeaker and others take the nearest operating point instead, which differs by up to half a
 * trial.)
 *
 * @param scores cosines or any other scores: of both kinds, or labelled ones as `scoreTrials` gives them
 * @returns `eer` in [0, 1], and the threshold at which it is reached
 * @throws invalid for empty or not finite scores, or trials without labels
 * @example
 * const { eer, threshold } = equalErrorRate(intraInterScores(utterances));
 */
export function equalErrorRate(scores: LabelledScores): { eer: number; threshold: number } {
  return crossing(operatingPoints(tiedScores(scores)));
}

/** The point where the miss rate equals the false alarm rate. */
export function crossing({ threshold, missRate, falseAlarmRate }: OperatingPoints): {
  eer: number;
  threshold: number;
} {
  const gap = (i: number) => missRate[i] - falseAlarmRate[i];
  // The first point accepts everything and the last nothing, so the gap goes from -1 to 1.
  let i = 1;
  while (gap(i) < 0) i++;
  const part = gap(i - 1) / (gap(i - 1) - gap(i));
  const between = (values: Float64Array) => values[i - 1] + part * (values[i] - values[i - 1]);
  return { eer: between(missRate), threshold: between(threshold) };
}
