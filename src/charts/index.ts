export { boxPlot } from "./box-plot.js";
export { cdf } from "./cdf.js";
export type { Chart, ChartBundle, VegaLiteSpec } from "./chart.js";
export { type DistributionOptions, distribution, type SimilaritySummary } from "./distribution.js";
export { type HeatmapOptions, heatmap } from "./heatmap.js";
export { heatmapSubset } from "./heatmap-subset.js";
export { type HighPairsOptions, highPairs } from "./high-pairs.js";
export { type SimilarityOverviewOptions, similarityOverview } from "./similarity-overview.js";
