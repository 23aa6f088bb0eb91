import { quantity } from "../shared/text.js";
import { showAs, showRows } from "../show/show-as.js";
import type { View } from "../show/view.js";
import type { SimilarityStatistics } from "../types.js";
import type { MeasuredThreshold } from "./measured-threshold.js";
import type { PairRow } from "./pair-table.js";

/** A range of similarities, and what a pair in it may mean. The four bands are those of the original Python pipeline. */
export interface Band {
  name: "very high" | "high" | "moderate" | "low";
  /** As people read it: `0.7 - 0.9`. */
  range: string;
  meaning: string;
  /** Includes `low`, excludes `high`. */
  low: number;
  high: number;
  /** Pairs in the band, listed or not. */
  pairs: number;
  /** Fraction of all pairs, 0 to 1. */
  share: number;
}

/** A data set, and the listed pairs within it. */
export interface DatasetSummary {
  dataset: string;
  speakers: number;
  utterances: number;
  /** Listed pairs of two speakers of this data set. */
  pairs: number;
  /** Mean similarity of those pairs; NaN when there are none. */
  meanSimilarity: number;
}

/** What `analyze` finds. */
export interface Analysis {
  /**
   * The rows of similarity_analysis.csv, the most similar first: every listed pair, and with `measured` those at or above
   * `minSimilarity`.
   */
  pairs: PairRow[];
  /** The first of them: at most `maxResults`, from `minSimilarity` on. */
  top: PairRow[];
  /** Probably one person under two names: listed pairs above 0.95, or with `measured` those within a data set at or above it. */
  duplicates: PairRow[];
  /**
   * People in two data sets, leakage when one trains and the other tests: listed pairs across data sets, at or above
   * `minSimilarity`, or with `measured` at or above that.
   */
  leakage: PairRow[];
  bands: Band[];
  datasets: DatasetSummary[];
  statistics: SimilarityStatistics;
  summary: {
    speakers: number;
    utterances: number;
    datasets: number;
    totalPairs: number;
    /** Pairs at or above the threshold, including those beyond the end of the list. */
    highPairs: number;
    listedPairs: number;
    /** Pairs above 0.95, listed or not; with `measured` the number of `duplicates`. */
    duplicates: number;
    leakage: number;
    /** Listed pairs between the threshold of the comparison and the measured one. Only with `measured`. */
    betweenThresholds?: number;
  };
  /** What limited the lists. */
  info: { minSimilarity: number; maxResults: number; threshold: number; measured?: MeasuredThreshold };
}

const mostPairs = 5;

/** Makes an analysis show itself: bands, data sets, the top pairs. */
export function showAnalysis(analysis: Analysis): Analysis {
  const { pairs, top, duplicates, leakage, bands, datasets } = analysis;
  for (const list of [pairs, top, duplicates, leakage]) showRows(list, "pair");
  showRows(bands, "band");
  showRows(datasets, "data set");
  return showAs(analysis, analysisView);
}

function analysisView({ top, bands, datasets, summary, info }: Analysis): View {
  const from = Number((info.measured?.threshold ?? info.minSimilarity).toFixed(3));
  return {
    title:
      `${quantity(summary.speakers, "speaker")}, ${quantity(summary.totalPairs, "pair")}: ` +
      `${quantity(summary.duplicates, "likely duplicate")}, ${quantity(summary.leakage, "pair")} across data sets from ${from} on`,
    parts: [
      {
        rows: bands.map(({ range, pairs, share, meaning }) => ({
          cosine: range,
          pairs,
          share: `${(100 * share).toFixed(1)} %`,
          meaning,
        })),
      },
      {
        rows: datasets.map(({ dataset, meanSimilarity, pairs, ...row }) => ({
          "data set": dataset,
          ...row,
          "pairs listed": pairs,
          ...(Number.isNaN(meanSimilarity) ? {} : { "their mean": meanSimilarity }),
        })),
        noun: "data sets",
        most: 4,
      },
      {
        rows: top.slice(0, mostPairs).map(({ speaker1Key, speaker2Key, similarity }) => ({
          first: speaker1Key,
          second: speaker2Key,
          similarity,
        })),
        total: top.length,
        noun: "pairs",
      },
    ],
  };
}
