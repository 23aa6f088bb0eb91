export { type Analysis, analyze, type Band, type Comparison, type DatasetSummary } from "./analyze.js";
export { centroids } from "./centroids.js";
export { clusterOrder } from "./cluster-order.js";
export { csv } from "./csv.js";
export { type IntraInterScores, intraInterScores } from "./intra-inter-scores.js";
export { type Map2d, map2d } from "./map-2d.js";
export { type MeasuredThreshold, measuredThreshold } from "./measured-threshold.js";
export { type PairRow, pairTable } from "./pair-table.js";
export { reportText } from "./report-text.js";
export { toDataFrame } from "./to-data-frame.js";
export { type TypicalUtterance, typicalUtterances } from "./typical-utterances.js";
export {
  type SpeakerVariability,
  type UtteranceVariability,
  type Variability,
  variability,
} from "./variability.js";
