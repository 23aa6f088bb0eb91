import { similarityFiles } from "../comparison/write-similarity.js";
import { provenanceFile } from "../store/provenance.js";

/*
 * The names of the files in the folder of merged embeddings. Other people's scripts rely on them.
 *
 *   mergedFiles       written by merging
 *   checksFile        written by merging where the audio was measured (checks/checks-file.ts)
 *   individualFolder  a pickle for every utterance and speaker, and their index
 *   similarityFiles   written by comparing the speakers; valid, as the two below, for one speaker_embeddings.pkl only
 *   pictureFiles      charts of that comparison
 *   tableFile         its pairs as a table
 */

export const mergedFiles = {
  utterances: "utterance_embeddings.pkl",
  speakers: "speaker_embeddings.pkl",
  utteranceList: "utterance_list.json",
  speakerList: "speaker_list.json",
  utteranceFacts: "utterances.jsonl",
  provenance: provenanceFile,
  failures: "failed.jsonl",
  doubts: "warnings.jsonl",
  summary: "summary.json",
};

export const individualFolder = "embeddings_individual";
export const indexFile = "file_index.json";

export { similarityFiles };

export const pictureFiles = {
  overview: "similarity_analysis.png",
  heatmap: "similarity_heatmap.png",
  subset: "similarity_heatmap_subset.png",
};

export const tableFile = "similarity_analysis.csv";

/** Files that are valid only for the speakers they were made from; `begins` tells ours from others of a common name. */
export const comparisonFiles: readonly { name: string; begins?: string }[] = [
  ...Object.values(similarityFiles).map((name) => ({ name })),
  ...Object.values(pictureFiles).map((name) => ({ name })),
  { name: tableFile, begins: "speaker1_key,speaker2_key,similarity" },
  { name: "pairs.csv", begins: "row1,row2,key1,key2" },
  { name: "neighbours.csv", begins: "query,rank,key,score" },
  { name: "neighbours_index.npy" },
  { name: "neighbours_score.npy" },
];
