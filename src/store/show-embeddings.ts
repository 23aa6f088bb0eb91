import { quantity } from "../shared/text.js";
import { showAs, showVector } from "../show/show-as.js";
import type { View } from "../show/view.js";
import type { SpeakerEmbedding, UtteranceEmbedding } from "../types.js";

const shownRows = 10;

type Row = SpeakerEmbedding | UtteranceEmbedding;

/** Makes embeddings show themselves as a table, and each vector as one line. */
export function showEmbeddings<T extends Row>(rows: T[], noun: "speaker" | "utterance"): T[] {
  for (const { embedding } of rows) showVector(embedding);
  return showAs(rows, () => embeddingsView(rows, noun));
}

function embeddingsView(rows: readonly Row[], noun: string): View {
  const dimensions = [...new Set(rows.map(({ embedding }) => embedding.length))];
  return {
    title: `${quantity(rows.length, noun)}${rows.length === 0 ? "" : `, ${dimensions.join(" and ")} numbers each`}`,
    parts: [
      {
        total: rows.length,
        noun: `${noun}s`,
        rows: rows.slice(0, shownRows).map(({ key, dataset, speakerId, embedding, ...row }) => ({
          key,
          "data set": dataset,
          speaker: speakerId,
          ...("numUtterances" in row ? { utterances: row.numUtterances } : { utterance: row.utteranceId }),
          norm: Math.hypot(...embedding),
          embedding: `${Array.from(embedding.subarray(0, 3), (value) => value.toFixed(3)).join(", ")}, …`,
        })),
      },
    ],
  };
}
