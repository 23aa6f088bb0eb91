export { boxPlot } from "./box-plot.js";
export { cdf } from "./cdf.js";
export type { Chart, ChartBundle } from "./chart.js";
export type { CorpusChartOptions, CorpusRow } from "./corpus-overview.js";
export { corpusOverview, durations, sampleRates, utterancesPerSpeaker } from "./corpus-overview.js";
export { type DetPlotOptions, detPlot } from "./det-plot.js";
export { type DistributionOptions, distribution, type SimilaritySummary } from "./distribution.js";
export { type FbankImageOptions, fbankImage } from "./fbank-image.js";
export { type HeatmapOptions, heatmap } from "./heatmap.js";
export { heatmapSubset } from "./heatmap-subset.js";
export { type HighPairsOptions, highPairs } from "./high-pairs.js";
export { type IntraInterOptions, intraInter, type Scores, type Trials } from "./intra-inter.js";
export type { Columns, SpeakerColumns, Table } from "./options.js";
export { type ReliabilityPlotOptions, reliabilityPlot } from "./reliability-plot.js";
export type { VegaLiteSpec } from "./render.js";
export { type SimilarityOverviewOptions, similarityOverview } from "./similarity-overview.js";
export {
  type DurationRow,
  type SimilarityVsDurationOptions,
  similarityVsDuration,
} from "./similarity-vs-duration.js";
export { type ThresholdExplorerOptions, thresholdExplorer } from "./threshold-explorer.js";
export { type MapRow, type UtteranceMapOptions, utteranceMap } from "./utterance-map.js";
export {
  type VariabilityRankingOptions,
  type VariabilityRow,
  variabilityRanking,
} from "./variability-ranking.js";
export { type ChartSpec, vegaChart } from "./vega-chart.js";
export { type WaveformOptions, waveform } from "./waveform.js";
