import { intraInterScores } from "../analysis/intra-inter-scores.js";
import { equalErrorRate } from "../scoring/equal-error-rate.js";
import type { UtteranceEmbedding } from "../types.js";
import type { Finding } from "./finding.js";
import { withoutFindings } from "./without-findings.js";

export interface EqualErrorRates {
  /** With the labels as they are. */
  raw: { eer: number; threshold: number };
  /** Without what the audit found. */
  audited: { eer: number; threshold: number };
  /** Utterances that were left out. */
  leftOut: number;
}

/**
 * The equal error rate of cosines with the labels as they are, and without what an audit found: on planted faults the
 * first is 17 to 20 % where 0.3 to 10 % is true.
 *
 * @throws `invalid` where no speaker has two utterances, or there is one speaker only
 * @example
 * const { findings } = await audit(utterances);
 * const { raw, audited } = equalErrorRates(utterances, findings);
 */
export function equalErrorRates(
  utterances: readonly UtteranceEmbedding[],
  findings: readonly Finding[],
): EqualErrorRates {
  const audited = withoutFindings(utterances, findings);
  return {
    raw: equalErrorRate(intraInterScores(utterances)),
    audited: equalErrorRate(intraInterScores(audited)),
    leftOut: utterances.length - audited.length,
  };
}
