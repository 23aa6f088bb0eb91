import { similarityFiles } from "../comparison/write-similarity.js";

/*
 * The folder of merged embeddings. What lies in it is a contract with scripts of others, so its names stand here alone,
 * and this room is all that writes them and knows what is no longer true.
 *
 *   mergedFiles       what merging writes
 *   individualFolder  a pickle for every utterance and speaker, and an index of them
 *   similarityFiles   what comparing the speakers writes (src/similarity), and
 *   pictureFiles,
 *   tableFiles        what is made of that: all true of one state of speaker_embeddings.pkl
 */

export const mergedFiles = {
  utterances: "utterance_embeddings.pkl",
  speakers: "speaker_embeddings.pkl",
  utteranceList: "utterance_list.json",
  speakerList: "speaker_list.json",
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

/** Every file that is true only of the speakers it was made of, and how one of a name that others use too begins. */
export const comparisonFiles: readonly { name: string; begins?: string }[] = [
  ...Object.values(similarityFiles).map((name) => ({ name })),
  ...Object.values(pictureFiles).map((name) => ({ name })),
  { name: tableFile, begins: "speaker1_key,speaker2_key,similarity" },
  { name: "pairs.csv", begins: "row1,row2,key1,key2" },
  { name: "neighbours_index.npy" },
  { name: "neighbours_score.npy" },
];
