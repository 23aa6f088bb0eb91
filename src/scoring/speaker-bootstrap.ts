import { invalid } from "../errors.js";
import { quantity } from "../shared/text.js";
import { firstFrom } from "../vectors/first-from.js";
import { quantile } from "../vectors/quantile.js";
import { random } from "../vectors/random.js";
import type { TiedScores } from "./tied-scores.js";
import type { ScoredTrial } from "./trial.js";
import { type SpeakerOf, trialSpeakers } from "./trial-speakers.js";

/** Attempts per resample: a draw of speakers may lack one kind of trial. */
const triesPerResample = 20;

/**
 * Percentile intervals from a bootstrap over the speakers of trials.
 *
 * @param tied the scores of the trials
 * @param numbersOf computes the measures from reweighted trials
 * @throws invalid when there are too few speakers for resamples with both kinds of trials
 */
export function speakerBootstrap(
  trials: readonly ScoredTrial[],
  tied: TiedScores,
  {
    resamples,
    confidence,
    seed,
    speakerOf,
    numbersOf,
  }: {
    resamples: number;
    confidence: number;
    seed: number;
    speakerOf?: SpeakerOf;
    numbersOf: (tied: TiedScores) => number[];
  },
): { intervals: [number, number][]; speakers: number } {
  const { count, enroll, test } = trialSpeakers(trials, speakerOf);
  const place = Uint32Array.from(trials, ({ score }) => firstFrom(tied.score, score));
  const isTarget = Uint8Array.from(trials, ({ isTarget }) => Number(isTarget));
  const next = random(seed);
  const draws: number[][] = [];
  const times = new Uint32Array(count);
  for (let tries = 0; draws.length < resamples && tries < resamples * triesPerResample; tries++) {
    times.fill(0);
    for (let s = 0; s < count; s++) times[Math.floor(next() * count)]++;
    const target = new Float64Array(tied.score.length);
    const nonTarget = new Float64Array(tied.score.length);
    let [targets, nonTargets] = [0, 0];
    for (let t = 0; t < isTarget.length; t++) {
      const [e, u] = [enroll[t], test[t]];
      const weight = e === u ? times[e] : times[e] * times[u];
      if (isTarget[t] === 1) {
        target[place[t]] += weight;
        targets += weight;
      } else {
        nonTarget[place[t]] += weight;
        nonTargets += weight;
      }
    }
    if (targets > 0 && nonTargets > 0)
      draws.push(numbersOf({ score: tied.score, target, nonTarget, targets, nonTargets }));
  }
  if (draws.length < resamples)
    throw invalid(
      `The trials have ${quantity(count, "speaker")}, too few for intervals: most resamples lack a kind of trials. Leave the intervals out with resamples: 0.`,
      { got: count },
    );
  const intervals = draws[0].map((_, at): [number, number] => {
    const values = Float64Array.from(draws, (draw) => draw[at]).sort();
    return [quantile(values, (1 - confidence) / 2), quantile(values, (1 + confidence) / 2)];
  });
  return { intervals, speakers: count };
}
