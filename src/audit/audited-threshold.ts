import { type MeasuredThreshold, measuredThreshold } from "../analysis/measured-threshold.js";
import type { UtteranceEmbedding } from "../types.js";
import type { Finding } from "./finding.js";
import { isLeftOut, withoutFindings } from "./without-findings.js";

/** Findings that move the threshold. People who are in two data sets do not: it is measured within each. */
const moving = new Set<Finding["kind"]>(["wrongLabel", "splitSpeaker", "mergedSpeakers", "nonSpeech"]);

export const movingFindings = (findings: readonly Finding[]): Finding[] =>
  findings.filter((finding) => moving.has(finding.kind) && isLeftOut(finding));

/**
 * The threshold that the labels of a corpus give (`measuredThreshold`), measured without what an audit found; where that changes
 * anything, `asLabelled` says what the labels as they are give.
 *
 * @returns undefined where the rest gives none
 * @throws `invalid` as `measuredThreshold` does
 * @example
 * const { findings } = await audit(utterances);
 * const { threshold = 0.5, asLabelled } = auditedThreshold(utterances, findings) ?? {};
 */
export function auditedThreshold(
  utterances: readonly UtteranceEmbedding[],
  findings: readonly Finding[],
): MeasuredThreshold | undefined {
  const raw = measuredThreshold(utterances);
  const doubted = movingFindings(findings);
  if (doubted.length === 0) return raw;
  const audited = withoutFindings(utterances, doubted);
  const measured = measuredThreshold(audited);
  const leftOut = utterances.length - audited.length;
  return measured && { ...measured, asLabelled: { threshold: raw?.threshold, eer: raw?.eer, leftOut } };
}
