import { showAs } from "../show/show-as.js";

export interface Compared {
  /** Cosine of the two, -1 to 1. */
  score: number;
  verdict: "same" | "different" | "unsure";
  /** Probability that both are the same speaker; null without a calibration. */
  probability: number | null;
  /** What the verdict is based on, in words. */
  basis: string;
  /** Length of either file. */
  seconds: [number, number];
  /** Reasons to doubt either embedding, in words. */
  doubts: string[];
}

/** Makes the verdict on two recordings show itself. */
export const showCompared = (compared: Compared): Compared =>
  showAs(compared, ({ verdict, score, probability, basis, seconds, doubts }) => ({
    title: `${verdict}: cosine ${score.toFixed(3)}${probability === null ? "" : `, probability ${Number(probability.toPrecision(3))}`}`,
    parts: [
      `By ${basis}`,
      `${seconds.map((value) => `${value.toFixed(1)} s`).join(" and ")} of audio`,
      ...doubts.map((doubt) => `Doubt: ${doubt}`),
    ],
  }));
