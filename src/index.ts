// The public list: what notebooks and programs import from "speakerscope".

// Corpus and audio
export { type Audio, loadAudio, type LoadOptions } from "./audio/load-audio.js";
export { audioExtensions } from "./audio/formats.js";
export { inspectSignal } from "./audio/inspect-signal.js";
export { resample } from "./audio/resample.js";
export { type DatasetLayout, layout } from "./corpus/layout.js";
export { type Corpus, scan, type ScanOptions } from "./corpus/scan.js";

// Features and model
export { fbank, type FbankExtractor, type FbankOptions, openFbank } from "./features/fbank.js";
export { embed, type EmbedOptions } from "./embed/embed.js";
export { type ModelConfig, readModelConfig } from "./embed/model-config.js";
export { bundledModel, type Model, type ModelIdentity, type ModelOptions, openModel } from "./embed/open-model.js";
export { devices } from "./runtime/session.js";

// Extraction and merging
export { extract, type ExtractOptions, type ExtractResult } from "./extract/extract.js";
export { merge, type MergeOptions, type MergeResult } from "./merge/merge.js";
export { readEmbeddings, readIndividual } from "./store/read-embeddings.js";
export { readSpeakerList } from "./store/read-speaker-list.js";

// Similarity
export { cosineMatrix } from "./similarity/cosine-matrix.js";
export { highSimilarityPairs } from "./similarity/high-similarity-pairs.js";
export { pairsInMatrix } from "./similarity/pairs-in-matrix.js";
export { readSimilarity, type StoredSimilarity } from "./similarity/read-similarity.js";
export { similarity, type SimilarityOptions, type SimilarityResult } from "./similarity/similarity.js";
export { writeSimilarity } from "./similarity/write-similarity.js";

// Analysis
export * from "./analysis/index.js";

// Charts
export * from "./charts/index.js";
export { detCurve } from "./analysis/det-curve.js";

// Stages
export { compareSpeakers } from "./pipeline/compare-speakers.js";
export { runPipeline } from "./pipeline/run-pipeline.js";

// Formats
export { pythonJson } from "./format/json.js";
export type { NdArray } from "./format/nd-array.js";
export { readNpy, writeNpy } from "./format/npy.js";
export { readPickle, writePickle } from "./format/pickle.js";
export { float } from "./format/python-float.js";

export { ScopeError } from "./errors.js";
export type * from "./types.js";
