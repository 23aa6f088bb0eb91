import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { bundledModel, type Model, type ModelOptions, openModel } from "../embed/open-model.js";
import { invalid } from "../errors.js";
import { cosine } from "./cosine.js";
import { embedFile } from "./embed-file.js";
import { readCalibration, type ScoreCalibration } from "./score-calibration.js";

export interface CompareOptions extends ModelOptions {
  /** A model that is open already; it stays open. */
  model?: Model;
  /** What a score means; default: MODEL.calibration.json beside the model, where there is one. */
  calibration?: ScoreCalibration;
  /** How probable it is, before anything is heard, that the two are one speaker; default 0.5. */
  prior?: number;
  /** Decides by this cosine alone: same at or above, different below. */
  threshold?: number;
}

export interface Compared {
  /** Cosine of the two, -1 to 1. */
  score: number;
  verdict: "same" | "different" | "unsure";
  /** That the two are one speaker; null without a calibration. */
  probability: number | null;
  /** What the verdict rests on, in words. */
  basis: string;
  /** Length of either file. */
  seconds: [number, number];
  /** What makes either embedding doubtful, in words. */
  doubts: string[];
}

/** From here on a probability is sure enough for a verdict, and up to 1 minus it. */
const sure = 0.9;

/**
 * Between these cosines lie the equal error thresholds of the bundled model, from clips of 1 s to telephone speech
 * (README, "Understanding the results"): within, the verdict would depend on what kind of speech it is.
 */
const bundledBand = [0.22, 0.57] as const;

/**
 * Compares two recordings: is it one speaker?
 *
 * With a calibration the verdict is that of its probability: `same` from 0.9 on, `different` up to 0.1, else `unsure`. Without one
 * the bundled model is sure outside of the cosines 0.22 to 0.57, within which its threshold moves with the kind of speech;
 * of another model nothing is known, so the verdict is `unsure`.
 *
 * @param a path of an audio file
 * @throws missing where there is no such file or model, invalid for what is no speech or has no scale, and for options out of range
 * @example
 * const folder = "data/speech/studio/103/103-1240-0000";
 * const { verdict, score } = await compare(`${folder}-part0.flac`, `${folder}-part1.flac`, { model });
 */
export async function compare(
  a: string,
  b: string,
  { model: given, calibration: own, prior = 0.5, threshold, ...options }: CompareOptions = {},
): Promise<Compared> {
  if (threshold !== undefined && !(threshold >= -1 && threshold <= 1))
    throw invalid(`The threshold is ${threshold}. It has to be a cosine between -1 and 1.`, {
      got: threshold,
    });
  const model = given ?? (await openModel(options));
  try {
    const calibration = own ?? calibrationBeside(model.path);
    const [first, second] = [await embedFile(a, model), await embedFile(b, model)];
    const score = cosine(first.embedding, second.embedding);
    const probability = calibration?.toProbability(score, prior) ?? null;
    return {
      score,
      probability,
      ...verdictOf(score, probability, threshold, model.path),
      seconds: [first.seconds, second.seconds],
      doubts: [
        ...first.doubts.map((doubt) => `${a}: ${doubt}`),
        ...second.doubts.map((doubt) => `${b}: ${doubt}`),
      ],
    };
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
