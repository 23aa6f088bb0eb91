import type { MeasuredChecks } from "../checks/audio-checks.js";
import { countBy } from "../util/count-by.js";
import { sigmoid } from "../util/sigmoid.js";
import type { AuditUtterance } from "./audit-corpus.js";
import { type Finding, leastProbability } from "./finding.js";

type Doubt = "short" | "clipped" | "quiet" | "narrowBand" | "lowSnr";

interface Rule {
  kind: Doubt;
  /** What was measured, by its name in the evidence; null where it could not be. */
  name: string;
  value: (checks: MeasuredChecks) => number | null;
  limit: number;
  /** The deviation of what is measured from what is so, in the same unit. */
  deviation: number;
  isAbove?: true;
}

/** Limits are those of the warnings of `extract`; that of narrow band lies between what 8 and 11 kHz leave. */
const rules: readonly Rule[] = [
  { kind: "short", name: "seconds", value: ({ seconds }) => seconds, limit: 1, deviation: 0.001 },
  {
    kind: "clipped",
    name: "partAtFullScale",
    value: ({ clipped }) => clipped,
    limit: 0.001,
    deviation: 0.0001,
    isAbove: true,
  },
  { kind: "quiet", name: "levelDb", value: ({ level }) => level, limit: -50, deviation: 1 },
  {
    kind: "narrowBand",
    name: "bandwidthHz",
    value: ({ bandwidth }) => bandwidth,
    limit: 5200,
    deviation: 150,
  },
  { kind: "lowSnr", name: "snrDb", value: ({ snr }) => snr, limit: 6, deviation: 2 },
];

/** What most of a data set has is its channel, and no doubt about one utterance. */
const mostOfDataset = 0.5;
const leastOfDataset = 10;

/**
 * Doubts about the quality of single utterances: under a second; more than 0.1 % of the samples at full scale; speech below -50 dB of
 * full scale; nothing above 5.2 kHz; speech less than 6 dB above the noise. Where half of a data set has the same, nothing is said.
 */
export function qualityDoubts(rows: readonly (AuditUtterance & { checks: MeasuredChecks })[]): Finding[] {
  const sizes = countBy(rows, ({ dataset }) => dataset);
  return rules.flatMap(({ kind, name, value, limit, deviation, isAbove }) => {
    const odds = ({ checks }: { checks: MeasuredChecks }): number => {
      const measured = value(checks);
      if (measured === null) return -Infinity;
      // The logistic curve of this slope is the normal distribution's, nearly.
      return Math.max(-40, Math.min(40, ((isAbove ? measured - limit : limit - measured) / deviation) * 1.7));
    };
    const found = countBy(
      rows.filter((row) => odds(row) >= 0),
      ({ dataset }) => dataset,
    );
    const isChannel = (dataset: string) =>
      sizes.get(dataset)! >= leastOfDataset &&
      (found.get(dataset) ?? 0) >= mostOfDataset * sizes.get(dataset)!;
    return rows.flatMap((row): Finding[] => {
      const score = odds(row);
      const probability = sigmoid(score);
      if (probability < leastProbability || isChannel(row.dataset)) return [];
      const evidence = {
        [name]: value(row.checks),
        limit,
        seconds: row.checks.seconds,
        path: row.checks.path,
      };
      return [{ kind, keys: [row.key], score, probability, evidence, remedy: { action: "keep" } }];
    });
  });
}
