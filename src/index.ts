// The public list: what notebooks and programs import from "speakerscope".

// Analysis
export * from "./analysis/index.js";
export { audioExtensions } from "./audio/formats.js";
export { inspectSignal } from "./audio/inspect-signal.js";
// Corpus and audio
export { type Audio, type LoadOptions, loadAudio } from "./audio/load-audio.js";
export { resample } from "./audio/resample.js";
export { type Audit, type AuditOptions, audit } from "./audit/audit.js";
export type { AuditUtterance } from "./audit/audit-corpus.js";
export { auditedThreshold } from "./audit/audited-threshold.js";
export { type EqualErrorRates, equalErrorRates } from "./audit/equal-error-rates.js";
export type { Finding, FindingKind, Remedy } from "./audit/finding.js";
export type { AuditProgress } from "./audit/judge.js";
export {
  type SplitCorpus,
  type SplitOptions,
  type SplitRow,
  type SplitSpeaker,
  splitCorpus,
} from "./audit/split-corpus.js";
// Charts
export * from "./charts/index.js";
export type { AudioChecks, MeasuredChecks } from "./checks/audio-checks.js";
export { type CheckAudioOptions, type CheckedAudio, checkAudio } from "./checks/check-audio.js";
export { readChecks } from "./checks/checks-file.js";
export type { SignalChecks } from "./checks/signal-checks.js";
export type { VoiceChange } from "./checks/voice-change.js";
export {
  type ClusteredUtterance,
  type Clustering,
  type ClusterOptions,
  cluster,
  type Person,
} from "./cluster/cluster.js";
export { nameSpeakers } from "./cluster/name-speakers.js";
// Similarity
export { compareVectors } from "./comparison/compare-vectors.js";
export { highSimilarityPairs } from "./comparison/high-similarity-pairs.js";
export { pairsInMatrix } from "./comparison/pairs-in-matrix.js";
export { readSimilarity, type StoredSimilarity } from "./comparison/read-similarity.js";
export { writeSimilarity } from "./comparison/write-similarity.js";
export type { Corpus, ManifestFormat, ManifestOrigin } from "./corpus/corpus.js";
export { type DatasetLayout, layout } from "./corpus/layout.js";
export { loadUtterance } from "./corpus/load-utterance.js";
export { type ManifestOptions, readManifest } from "./corpus/read-manifest.js";
export { type ScanOptions, scan } from "./corpus/scan.js";
export { writeManifest } from "./corpus/write-manifest.js";
// Decisions
export { appendDecision } from "./decisions/append-decision.js";
export {
  type Applied,
  type ApplyOptions,
  applyDecisions,
  type Decidable,
} from "./decisions/apply-decisions.js";
export type { Change } from "./decisions/change.js";
export type { Decision, DecisionAction, DecisionKind } from "./decisions/decision.js";
export { type Dispute, type MergedDecisions, mergeDecisions } from "./decisions/merge-decisions.js";
export { observedPrecision, type PrecisionBand } from "./decisions/observed-precision.js";
export { proposeDecisions } from "./decisions/propose-decisions.js";
export { type ReadDecisions, readDecisions } from "./decisions/read-decisions.js";
export { type EmbedOptions, embed } from "./embed/embed.js";
export type { Fit } from "./embed/fit-front-end.js";
export { fitModel, inspectModel, type ModelInspection } from "./embed/inspect-model.js";
export {
  bundledModel,
  bundledModels,
  type Model,
  type ModelIdentity,
  type ModelOptions,
  openModel,
} from "./embed/open-model.js";
export { ScopeError } from "./errors.js";
// Extraction and merging
export { type ExtractOptions, extract } from "./extract/extract.js";
export type { ExtractResult } from "./extract/extract-result.js";
// Features and model
export { type Family, families } from "./features/families.js";
export { type FbankExtractor, type FbankOptions, fbank, openFbank } from "./features/fbank.js";
// Formats
export { pythonJson } from "./format/json.js";
export type { NdArray } from "./format/nd-array.js";
export { readNpy, writeNpy } from "./format/npy.js";
export { float } from "./format/python-float.js";
export { readPickle } from "./format/read-pickle.js";
export { writePickle } from "./format/write-pickle.js";
// Players
export * from "./listen/index.js";
export { type MergeOptions, type MergeResult, merge } from "./merge/merge.js";
export { readSpeakerList } from "./merged/read-speaker-list.js";
export { verify } from "./merged/verify.js";
// Models
export type { ModelConfig } from "./models/adapter.js";
export { readModelConfig } from "./models/model-config.js";

// Stages
export { compareSpeakers } from "./pipeline/compare-speakers.js";
export { type CorpusSettings, openCorpus } from "./pipeline/open-corpus.js";
export {
  openWorkspace,
  provenance,
  type Workspace,
  type WorkspaceOptions,
} from "./pipeline/open-workspace.js";
export { prepareEmbeddings } from "./pipeline/prepare-embeddings.js";
export { readDurations } from "./pipeline/read-durations.js";
export { type Recording, type RecordingsSettings, recordings } from "./pipeline/recordings.js";
export { runPipeline } from "./pipeline/run-pipeline.js";
// Listening and deciding
export type { ReviewAction, ReviewItem, ReviewUtterance, ReviewVoice } from "./review/item.js";
export type { Reviewable } from "./review/items.js";
export { type Review, type ReviewOptions, review } from "./review/review.js";
export type { WrittenPage } from "./review/write-page.js";
export { devices } from "./runtime/session.js";
// Scoring
export * from "./scoring/index.js";
export { type LabelledEmbedding, type Plda, type PldaOptions, plda } from "./scoring/plda.js";
export { type PldaSet, pldaScore, pldaSet } from "./scoring/plda-score.js";
export { cosineMatrix } from "./similarity/cosine-matrix.js";
export {
  type Neighbours,
  type SimilarityOptions,
  type SimilarityResult,
  similarity,
} from "./similarity/similarity.js";
export { type ExportOptions, exportEmbeddings } from "./store/export-embeddings.js";
export { type ExtractionStatus, extractionStatus, type RankStatus } from "./store/extraction-status.js";
export { readEmbeddings, readIndividual } from "./store/read-embeddings.js";
// Tables
export type { DataFrameLike } from "./tables/frame.js";
export { type TableOptions, type TableRow, writeTable } from "./tables/write-table.js";
export type * from "./types.js";
// Voice activity
export { type SpeechSegment, type SpeechSegmentOptions, speechSegments } from "./vad/speech-segments.js";
export { type Voice, type Voices, type VoicesOptions, type VoiceTurn, voices } from "./vad/voices.js";
