import { equalErrorRate } from "../scoring/equal-error-rate.js";
import type { UtteranceEmbedding } from "../types.js";
import { intraInterScores, scoresWithinDatasets } from "./intra-inter-scores.js";

/** The threshold that the labels of a corpus give. */
export interface MeasuredThreshold {
  /** Cosine in [-1, 1] at the equal error rate. */
  threshold: number;
  /** Equal error rate, 0 to 1. */
  eer: number;
  /** Pairs of utterances of one speaker that it was measured on. */
  targetPairs: number;
  /** Pairs of utterances of two speakers. */
  nonTargetPairs: number;
  /**
   * Where it was measured without what an audit found: what the labels as they are give (undefined where that is nothing), and how
   * many utterances were left out.
   */
  asLabelled?: { threshold?: number; eer?: number; leftOut: number };
}

/** With fewer pairs of one speaker, or more errors than this, the labels say too little to judge by. */
const [leastTargetPairs, greatestEer] = [5, 0.3];

/** Most scores of each kind: of more pairs an even sample. */
const maxPairs = 200_000;

/**
 * The threshold of the equal error rate, measured on the corpus's own labels: pairs of utterances of one speaker against
 * pairs of two speakers of the same data set. People who are in two data sets would count as errors, so pairs across data
 * sets count only where no data set has two speakers.
 *
 * @returns undefined when there is only one speaker, with fewer than 5 pairs of utterances of one speaker, or when the equal error rate is
 *   above 30 %
 * @throws invalid for embeddings that are zero, not finite or of different length
 * @example
 * const { threshold = 0.5 } = measuredThreshold(utterances) ?? {};
 */
export function measuredThreshold(utterances: readonly UtteranceEmbedding[]): MeasuredThreshold | undefined {
  const known = utterances.filter(({ speakerId }) => speakerId !== null);
  const { target, nonTarget: within } = scoresWithinDatasets(known, { maxPairs });
  const nonTarget = within.length > 0 ? within : intraInterScores(utterances, { maxPairs }).nonTarget;
  if (target.length < leastTargetPairs || nonTarget.length === 0) return undefined;
  const { threshold, eer } = equalErrorRate({ target, nonTarget });
  if (eer > greatestEer) return undefined;
  return { threshold, eer, targetPairs: target.length, nonTargetPairs: nonTarget.length };
}
