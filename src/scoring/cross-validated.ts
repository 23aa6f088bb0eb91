import { logisticRegression } from "./logistic-regression.js";
import { scoreCalibration } from "./score-calibration.js";
import { scoresOfBoth } from "./tied-scores.js";
import type { ScoredTrial } from "./trial.js";
import { type SpeakerOf, trialSpeakers } from "./trial-speakers.js";

/**
 * The trials with the log-likelihood ratios of lines that know neither speaker: a trial between speakers of the parts p and
 * q is judged by the line learnt on trials without anybody of p and q. Null where a line cannot be learnt on what is left.
 */
export function crossValidated(
  trials: readonly ScoredTrial[],
  { folds = 5, speakerOf }: { folds?: number; speakerOf?: SpeakerOf } = {},
): ScoredTrial[] | null {
  const speakers = trialSpeakers(trials, speakerOf);
  const parts = Math.min(folds, speakers.count);
  const partOf = (speaker: number) => speaker % parts;
  const byParts = new Map<string, { parts: [number, number]; rows: number[] }>();
  for (let t = 0; t < trials.length; t++) {
    const [p, q] = [partOf(speakers.enroll[t]), partOf(speakers.test[t])].sort();
    const group = byParts.get(`${p} ${q}`) ?? { parts: [p, q], rows: [] };
    byParts.set(`${p} ${q}`, group);
    group.rows.push(t);
  }
  const groups = [...byParts.values()];
  const judged: ScoredTrial[] = [];
  try {
    for (const { parts: held, rows } of groups) {
      const others = groups
        .filter(({ parts: [p, q] }) => !held.includes(p) && !held.includes(q))
        .flatMap(({ rows }) => rows.map((t) => trials[t]));
      const { toLogLikelihoodRatio } = scoreCalibration(logisticRegression(scoresOfBoth(others)));
      for (const t of rows) judged.push({ ...trials[t], score: toLogLikelihoodRatio(trials[t].score) });
    }
  } catch (error) {
    if ((error as { tag?: string }).tag === "invalid") return null;
    throw error;
  }
  return judged;
}
