import type { MeasuredChecks } from "../checks/audio-checks.js";
import { sigmoid } from "../util/sigmoid.js";
import { quantile } from "../vectors/quantile.js";
import { type Finding, leastProbability } from "./finding.js";

/** The deviation of clips with one voice is no smaller; a corpus of few clips may say so by chance. */
const leastDeviation = 0.05;
/** Fewer clips do not tell what is usual. */
const leastClips = 10;

/**
 * Clips in which two people speak: the similarity across the change of voice lies further below the corpus's median than the
 * deviation of the corpus allows (robust: from the median absolute deviation). Fitted to generated clips (docs/audit.md).
 */
export function severalVoices(rows: readonly { key: string; checks: MeasuredChecks }[]): Finding[] {
  const measured = rows.flatMap(({ key, checks }) =>
    checks.voiceChange ? [{ key, checks, change: checks.voiceChange }] : [],
  );
  if (measured.length < leastClips) return [];
  const similarities = Float64Array.from(measured, ({ change }) => change.similarity).sort();
  const median = quantile(similarities, 0.5);
  const deviations = similarities.map((value) => Math.abs(value - median)).sort();
  const deviation = Math.max(leastDeviation, 1.4826 * quantile(deviations, 0.5));
  return measured.flatMap(({ key, checks, change }): Finding[] => {
    const score = 2 * ((median - change.similarity) / deviation - 3);
    const probability = sigmoid(score);
    if (probability < leastProbability) return [];
    const evidence = {
      similarityAcross: change.similarity,
      usualSimilarity: median,
      changeSeconds: change.at,
      seconds: checks.seconds,
      path: checks.path,
      listen: [key],
    };
    return [{ kind: "severalVoices", keys: [key], score, probability, evidence, remedy: { action: "drop" } }];
  });
}
