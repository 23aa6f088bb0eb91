import { type OperatingPoints, operatingPoints } from "./operating-points.js";
import { type LabelledScores, tiedScores } from "./tied-scores.js";

/**
 * The equal error rate: where as large a part of the target trials is rejected as of the non-target trials is accepted.
 *
 * Between two operating points the rates are taken as straight lines. Where the scores are apart, the rate is 0 and the
 * threshold lies in the middle of the gap. (WeSpeaker and others take the nearest operating point instead, which jumps
 * from trial to trial: a few hundredths of a per cent where there are thousands of target trials.)
 *
 * @param scores cosines or any other scores: of both kinds, or labelled ones as `scoreTrials` gives them
 * @returns `eer` in 0 to 1, and the score that gives it
 * @throws invalid for empty or not finite scores, or trials without labels
 * @example
 * const { eer, threshold } = equalErrorRate(intraInterScores(utterances));
 */
export function equalErrorRate(scores: LabelledScores): { eer: number; threshold: number } {
  return crossing(operatingPoints(tiedScores(scores)));
}

/** Where misses and false alarms are equal. */
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
