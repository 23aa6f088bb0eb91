import { invalid } from "../errors.js";
import type { Histogram, SimilarityStatistics, SpeakerInfo, SpeakerPair } from "../types.js";
import { type Analysis, type Band, type DatasetSummary, showAnalysis } from "./analysis.js";
import type { MeasuredThreshold } from "./measured-threshold.js";
import { type PairRow, pairTable } from "./pair-table.js";

export type { Analysis, Band, DatasetSummary };

/** The result of comparing speakers. */
export interface Comparison {
  speakers: readonly SpeakerInfo[];
  statistics: SimilarityStatistics;
  histogram: Histogram;
  /** The pairs at or above `statistics.threshold`. */
  pairs: readonly SpeakerPair[];
}

const bands: Pick<Band, "name" | "range" | "meaning" | "low" | "high">[] = [
  { name: "very high", range: "> 0.9", meaning: "probably the same person", low: 0.9, high: Infinity },
  { name: "high", range: "0.7 - 0.9", meaning: "possibly related or the same", low: 0.7, high: 0.9 },
  { name: "moderate", range: "0.5 - 0.7", meaning: "similar voices", low: 0.5, high: 0.7 },
  { name: "low", range: "< 0.5", meaning: "probably different people", low: -Infinity, high: 0.5 },
];

const duplicateFrom = 0.95;

/**
 * What the similarities of speakers say about a corpus: bands, likely duplicates, people in two data sets, the top pairs.
 *
 * Bands count all pairs, from the histogram. Lists hold the pairs that were listed when the speakers were compared, those
 * at or above its threshold.
 *
 * @param minSimilarity leaves pairs below out of `top` and `leakage`, cosine in [-1, 1]; default: the threshold of the
 * comparison; `pairs` has all
 * @param maxResults most pairs in `top`; default 100
 * @param measured what `measuredThreshold` gives: duplicates and leakage are then judged by it. `pairs` has to hold all
 * pairs at or above it. Default: they are judged by 0.95 and by `minSimilarity`
 * @throws invalid when the histogram has no edge at a limit of a band
 * @example
 * const { duplicates, leakage } = analyze({ speakers, ...result, pairs }, { minSimilarity: 0.6 });
 */
export function analyze(
  { speakers, statistics, histogram, pairs: listed }: Comparison,
  {
    minSimilarity = statistics.threshold,
    maxResults = 100,
    measured,
  }: { minSimilarity?: number; maxResults?: number; measured?: MeasuredThreshold } = {},
): Analysis {
  if (!(minSimilarity >= -1 && minSimilarity <= 1))
    throw invalid(`minSimilarity must be a cosine from -1 to 1, not ${minSimilarity}.`);
  if (!(maxResults >= 0)) throw invalid(`maxResults must be 0 or more, not ${maxResults}.`);
  const table = pairTable(listed);
  const shown = table.filter(({ similarity }) => similarity >= minSimilarity);
  const pairs = measured === undefined ? table : shown;
  const alike = measured && table.filter(({ similarity }) => similarity >= measured.threshold);
  const duplicates =
    alike?.filter(({ sameDataset }) => sameDataset) ??
    table.filter(({ similarity }) => similarity > duplicateFrom);
  const leakage = (alike ?? shown).filter(({ sameDataset }) => !sameDataset);
  const all = histogram.counts.reduce((sum, count) => sum + count, 0);
  const datasets = datasetSummaries(speakers, pairs);
  return showAnalysis({
    pairs,
    top: shown.slice(0, maxResults),
    duplicates,
    leakage,
    bands: bands.map((band) => {
      const count = countBetween(histogram, band.low, band.high);
      return { ...band, pairs: count, share: all === 0 ? 0 : count / all };
    }),
    datasets,
    statistics,
    summary: {
      speakers: speakers.length,
      utterances: speakers.reduce((sum, { numUtterances }) => sum + numUtterances, 0),
      datasets: datasets.length,
      totalPairs: statistics.totalPairs,
      highPairs: statistics.highPairs,
      listedPairs: pairs.length,
      duplicates: measured ? duplicates.length : countBetween(histogram, duplicateFrom, Infinity),
      leakage: leakage.length,
      ...(measured && { betweenThresholds: between(table, measured.threshold, statistics.threshold) }),
    },
    info: { minSimilarity, maxResults, threshold: statistics.threshold, ...(measured && { measured }) },
  });
}

/** Pairs at or above the lower of two thresholds, and below the higher one. */
function between(pairs: readonly PairRow[], a: number, b: number): number {
  const [low, high] = [Math.min(a, b), Math.max(a, b)];
  return pairs.filter(({ similarity }) => similarity >= low && similarity < high).length;
}

function countBetween({ edges, counts }: Histogram, low: number, high: number): number {
  const at = (limit: number) => {
    if (limit === -Infinity) return 0;
    if (limit === Infinity) return counts.length;
    const bin = edges.findIndex((edge) => Math.abs(edge - limit) < 1e-9);
    if (bin < 0)
      throw invalid(
        `The histogram has no bin edge at ${limit}. Use 200 bins over [-1, 1], as similarity does.`,
      );
    return bin;
  };
  return counts.subarray(at(low), at(high)).reduce((sum, count) => sum + count, 0);
}

function datasetSummaries(speakers: readonly SpeakerInfo[], pairs: readonly PairRow[]): DatasetSummary[] {
  const byName = new Map<string, DatasetSummary & { sum: number }>();
  for (const { dataset, numUtterances } of speakers) {
    const row = byName.get(dataset) ?? {
      dataset,
      speakers: 0,
      utterances: 0,
      pairs: 0,
      meanSimilarity: Number.NaN,
      sum: 0,
    };
    row.speakers++;
    row.utterances += numUtterances;
    byName.set(dataset, row);
  }
  for (const { sameDataset, speaker1Dataset, similarity } of pairs) {
    const row = sameDataset ? byName.get(speaker1Dataset) : undefined;
    if (row === undefined) continue;
    row.pairs++;
    row.sum += similarity;
  }
  return Array.from(byName.values(), ({ sum, ...row }) => ({
    ...row,
    meanSimilarity: sum / row.pairs,
  }));
}
