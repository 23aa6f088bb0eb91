import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { bundledModel, type Model, type ModelOptions, openModel } from "../embed/open-model.js";
import { demandCosine } from "../util/demand.js";
import { type Compared, showCompared } from "./compared.js";
import { cosine } from "./cosine.js";
import { embedFile } from "./embed-file.js";
import { readCalibration, type ScoreCalibration } from "./score-calibration.js";

export type { Compared };

export interface CompareOptions extends ModelOptions {
  /** An open model, which stays open; default: opened from the other options. */
  model?: Model;
  /** Calibration of the scores; default: MODEL.calibration.json next to the model, if it exists. */
  calibration?: ScoreCalibration;
  /** Prior probability that both are the same speaker; default 0.5. */
  prior?: number;
  /** Decide by this cosine only: same at or above, different below. */
  threshold?: number;
}

/** Probability required for a verdict. */
const sure = 0.9;

/**
 * The equal error thresholds of the bundled model lie between these cosines, from 1 s clips to telephone speech (README,
 * "Understanding the results"): inside this range the verdict would depend on the kind of speech.
 */
const bundledBand = [0.22, 0.57] as const;

/**
 * Compares two recordings: are they the same speaker?
 *
 * With a calibration the verdict follows its probability: `same` from 0.9, `different` up to 0.1, otherwise `unsure`. Without
 * one, the bundled model is `unsure` between cosines of 0.22 and 0.57, where its threshold depends on the kind of speech; for
 * other models nothing is known and the verdict is always `unsure`.
 *
 * @param a path of the first audio file
 * @param b path of the second audio file
 * @throws missing where there is no such file or model, invalid for files that are not speech, and for options out of range
 * @example
 * const folder = "data/speech/studio/103/103-1240-0000";
 * const { verdict, score } = await compare(`${folder}-part0.flac`, `${folder}-part1.flac`, { model });
 */
export async function compare(
  a: string,
  b: string,
  { model: given, calibration: own, prior = 0.5, threshold, ...options }: CompareOptions = {},
): Promise<Compared> {
  if (threshold !== undefined) demandCosine(threshold);
  const model = given ?? (await openModel(options));
  try {
    const calibration = own ?? calibrationBeside(model.path);
    const [first, second] = [await embedFile(a, model), await embedFile(b, model)];
    const score = cosine(first.embedding, second.embedding);
    const probability = calibration?.toProbability(score, prior) ?? null;
    return showCompared({
      score,
      probability,
      ...verdictOf(score, probability, threshold, model.path),
      seconds: [first.seconds, second.seconds],
      doubts: [
        ...first.doubts.map((doubt) => `${a}: ${doubt}`),
        ...second.doubts.map((doubt) => `${b}: ${doubt}`),
      ],
    });
  } finally {
    if (given === undefined) await model.close();
  }
}

function calibrationBeside(modelPath: string): ScoreCalibration | undefined {
  const path = modelPath.replace(/(\.onnx)?$/, ".calibration.json");
  return existsSync(path) ? readCalibration(path) : undefined;
}

function verdictOf(
  score: number,
  probability: number | null,
  threshold: number | undefined,
  modelPath: string,
): Pick<Compared, "verdict" | "basis"> {
  const between = (value: number, low: number, high: number) =>
    value >= high ? "same" : value > low ? "unsure" : "different";
  if (threshold !== undefined)
    return { verdict: score >= threshold ? "same" : "different", basis: `the threshold ${threshold}` };
  if (probability !== null)
    return { verdict: between(probability, 1 - sure, sure), basis: "the calibrated probability" };
  if (dirname(modelPath) === dirname(bundledModel))
    return {
      verdict: between(score, ...bundledBand),
      basis: `the bundled model's thresholds, ${bundledBand.join(" to ")} by kind of speech; a calibration says more`,
    };
  return { verdict: "unsure", basis: "nothing: this model has no calibration" };
}
