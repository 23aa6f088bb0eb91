import { logisticRegression } from "./logistic-regression.js";
import { scoreCalibration } from "./score-calibration.js";
import type { ScoredTrial } from "./trial.js";
import { type SpeakerOf, trialSpeakers } from "./trial-speakers.js";

/**
 * Log-likelihood ratios from lines trained without either speaker of a trial: a trial between folds p and q is evaluated
 * with the line trained on all trials that involve neither fold. Null when a line cannot be trained on what is left.
 */
export function crossValidated(
  trials: readonly ScoredTrial[],
  start: { scale: number; offset: number },
  { folds = 5, speakerOf }: { folds?: number; speakerOf?: SpeakerOf } = {},
): ScoredTrial[] | null {
  const speakers = trialSpeakers(trials, speakerOf);
  const parts = Math.min(folds, speakers.count);
  const pairs = new Map<
    number,
    { parts: [number, number]; target: number[]; nonTarget: number[]; rows: number[] }
  >();
  for (const [t, { score, isTarget }] of trials.entries()) {
    const [p, q] = [speakers.enroll[t] % parts, speakers.test[t] % parts];
    const name = Math.min(p, q) * parts + Math.max(p, q);
    const pair = pairs.get(name) ?? { parts: [p, q], target: [], nonTarget: [], rows: [] };
    pairs.set(name, pair);
    pair.rows.push(t);
    (isTarget ? pair.target : pair.nonTarget).push(score);
  }
  const all = [...pairs.values()];
  const judged = trials.slice();
  try {
    for (const { parts: held, rows } of all) {
      const others = all.filter(({ parts: [p, q] }) => !held.includes(p) && !held.includes(q));
      const kinds = {
        target: Float64Array.from(others.flatMap(({ target }) => target)),
        nonTarget: Float64Array.from(others.flatMap(({ nonTarget }) => nonTarget)),
      };
      if (kinds.target.length === 0 || kinds.nonTarget.length === 0) return null;
      const { toLogLikelihoodRatio } = scoreCalibration(logisticRegression(kinds, start));
      for (const t of rows) judged[t] = { ...trials[t], score: toLogLikelihoodRatio(trials[t].score) };
    }
  } catch (error) {
    if ((error as { tag?: string }).tag === "invalid") return null;
    throw error;
  }
  return judged;
}
