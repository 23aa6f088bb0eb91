import { quantity } from "../shared/text.js";
import { showAs } from "../show/show-as.js";
import type { Trial } from "./trial.js";

/** Makes a list of trials show itself: how many there are of each kind, their scores, the first of them. */
export const showTrials = <T extends Trial & { score?: number }>(trials: T[]): T[] =>
  showAs(trials, () => ({
    title: trialsText(trials),
    parts: [scoresText(trials), { rows: trials, noun: "trials", most: 8 }],
  }));

export function trialsText(trials: readonly Trial[]): string {
  const targets = trials.filter(({ isTarget }) => isTarget === true).length;
  const others = trials.filter(({ isTarget }) => isTarget === false).length;
  const unknown = trials.length - targets - others;
  const kinds = [
    targets > 0 ? `${targets} of one speaker` : "",
    others > 0 ? `${others} of two` : "",
    unknown > 0 && unknown < trials.length ? `${unknown} without a label` : "",
  ].filter(Boolean);
  return `${quantity(trials.length, "trial")}${kinds.length === 0 ? "" : `: ${kinds.join(", ")}`}`;
}

function scoresText(trials: readonly (Trial & { score?: number })[]): string {
  const mean = (isTarget: boolean) => {
    const scores = trials.flatMap((trial) =>
      trial.isTarget === isTarget && trial.score !== undefined ? [trial.score] : [],
    );
    return scores.length === 0 ? null : scores.reduce((sum, score) => sum + score, 0) / scores.length;
  };
  return Object.entries({ "one speaker": mean(true), "two speakers": mean(false) })
    .flatMap(([name, value]) => (value === null ? [] : [`mean score of ${name} ${value.toFixed(3)}`]))
    .join(", ");
}
