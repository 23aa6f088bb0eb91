import { invalid, shown } from "../errors.js";
import { readJsonObject } from "../format/read-json.js";
import { sigmoid } from "../util/sigmoid.js";
import { writeFile } from "../util/write-file.js";

/** A line that maps scores to log-likelihood ratios. The numbers survive JSON; `readCalibration` restores the functions. */
export interface ScoreCalibration {
  /** Log-likelihood ratio = scale * score + offset. */
  scale: number;
  offset: number;
  /** Natural log-likelihood ratio of same against different speakers. */
  toLogLikelihoodRatio(score: number): number;
  /**
   * Probability that both are the same speaker.
   *
   * @param prior prior probability, between 0 and 1; default 0.5
   */
  toProbability(score: number, prior?: number): number;
}

/** @throws `invalid` for numbers that are not finite and a scale that is not positive */
export function scoreCalibration<T extends object>(
  line: T & { scale: number; offset: number },
): T & ScoreCalibration {
  const { scale, offset } = line;
  if (!(Number.isFinite(scale) && scale > 0 && Number.isFinite(offset)))
    throw invalid(
      `The calibration has a scale of ${shown(scale)} and an offset of ${shown(offset)}. Both must be finite numbers, the scale above 0.`,
    );
  const toLogLikelihoodRatio = (score: number) => scale * score + offset;
  return {
    ...line,
    toLogLikelihoodRatio,
    toProbability: (score, prior = 0.5) => sigmoid(toLogLikelihoodRatio(score) + logOdds(prior)),
  };
}

/** @throws `invalid` for a prior outside 0 to 1 */
export function logOdds(prior: number): number {
  if (!(prior > 0 && prior < 1))
    throw invalid(`The prior is ${prior}. It has to lie between 0 and 1.`, { got: prior });
  return Math.log(prior / (1 - prior));
}

/**
 * Saves the numbers of a calibration as JSON.
 *
 * @example
 * await writeCalibration("calibration.json", calibrate(trialScores));
 */
export function writeCalibration(path: string, calibration: ScoreCalibration): Promise<void> {
  return writeFile(path, `${JSON.stringify(calibration, null, 2)}\n`);
}

/**
 * Reads a calibration that `writeCalibration` saved, or any JSON object with `scale` and `offset`.
 *
 * @throws missing when it is not there, invalid when it is not a calibration
 * @example
 * writeFileSync("own.json", JSON.stringify({ scale: 20, offset: -8 }));
 * readCalibration("own.json").toProbability(0.5, 0.01);
 */
export function readCalibration(path: string): ScoreCalibration & Record<string, unknown> {
  const { scale, offset, ...rest } = readJsonObject(path, "The calibration");
  if (typeof scale !== "number" || typeof offset !== "number")
    throw invalid(
      `The calibration ${path} has no numbers "scale" and "offset". \`speakerscope score\` writes one as calibration.json.`,
      { path },
    );
  return scoreCalibration({ scale, offset, ...rest });
}
