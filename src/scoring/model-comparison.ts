import { quantity } from "../shared/text.js";
import { showAs, showRows } from "../show/show-as.js";
import type { View } from "../show/view.js";
import type { Utterance } from "../types.js";
import { type Interval, percent } from "./measures-result.js";
import { showTrials } from "./show-trials.js";
import type { ScoredTrial, Trial } from "./trial.js";

/** One model on the trials. */
export interface ComparedModel {
  model: string;
  dimension: number;
  /** Equal error rate, 0 to 1, with its 95 % interval over speakers (null without resamples), and the cosine that gives it. */
  eer: number;
  eerInterval: Interval | null;
  eerThreshold: number;
  /** At a prior of 0.01. */
  minDcf: number;
  /** Milliseconds of CPU time for a second of audio: features and graph on one thread, without decoding. */
  cpuMs: number;
  /** Utterances that this model could not embed. */
  failed: number;
}

/** A trial that the models decide differently, each at its own equal error threshold. */
export interface Disagreement extends Trial {
  isTarget: boolean;
  /** Names of the models that are right, and wrong. */
  right: string[];
  wrong: string[];
  /** Cosine by model. */
  scores: Record<string, number>;
  /**
   * How far the models are apart: the difference between their highest and their lowest margin. A margin is the cosine less the
   * threshold, in units of the distance between the mean target and the mean non-target score.
   */
  distance: number;
}

export interface ModelComparison {
  /** In the order of the models. */
  models: ComparedModel[];
  /** The trials with each model's cosine, for `detCurve` and `measures`. */
  scores: Record<string, ScoredTrial[]>;
  /** The most distant first. */
  disagreements: Disagreement[];
  /** What all models embedded. */
  utterances: Utterance[];
  summary: { utterances: number; trials: number; targets: number; speakers: number; disagreements: number };
}

/** Makes a comparison of models show itself: a row for each, and where they disagree most. */
export function showModels(comparison: ModelComparison): ModelComparison {
  showRows(comparison.models, "model");
  showRows(comparison.disagreements, "disagreement");
  showRows(comparison.utterances, "utterance");
  Object.values(comparison.scores).map(showTrials);
  return showAs(comparison, modelsView);
}

function modelsView({ models, disagreements, summary }: ModelComparison): View {
  return {
    title: `${quantity(models.length, "model")} on ${quantity(summary.trials, "trial")} of ${quantity(summary.speakers, "speaker")}`,
    parts: [
      {
        rows: models.map(({ model, dimension, eer, eerInterval, minDcf, cpuMs, failed }) => ({
          model,
          dimension,
          EER: percent(eer),
          ...(eerInterval && { "95 % interval": eerInterval.map(percent).join(" to ") }),
          "minDCF(0.01)": minDcf,
          "CPU ms/s": cpuMs,
          failed,
        })),
        noun: "models",
        most: 6,
      },
      `They disagree on ${quantity(disagreements.length, "trial")}`,
      {
        rows: disagreements
          .slice(0, mostDisagreements)
          .map(({ enroll, test, isTarget, right, distance }) => ({
            enroll,
            test,
            speakers: isTarget ? "one" : "two",
            right: right.join(", "),
            distance,
          })),
        total: disagreements.length,
        noun: "disagreements",
      },
    ],
  };
}

const mostDisagreements = 8;
