import { conflict } from "../errors.js";
import { quantity } from "../shared/text.js";
import type { SpeakerEmbedding } from "../types.js";
import { lengthOf } from "../vectors/unit-vector.js";
import type { EmbeddedUtterance } from "./extraction.js";

/** Accumulates the mean embedding of every speaker. */
export interface SpeakerMeans {
  /** Utterances of unknown speakers are ignored. */
  add(utterance: Pick<EmbeddedUtterance, "speakerKey" | "dataset" | "speakerId" | "embedding">): void;
  /** The speakers in the order of their first utterance. */
  speakers(): SpeakerEmbedding[];
}

/**
 * Means of embeddings by speaker, summed in float64 in the order given and rounded once to float32: in path order that
 * is the same to the last bit however the utterances were spread over ranks.
 *
 * @param normalize average unit vectors instead of embeddings as they are, so that a loud one counts no more
 */
export function speakerMeans({ normalize = false }: { normalize?: boolean } = {}): SpeakerMeans {
  const sums = new Map<string, Omit<SpeakerEmbedding, "embedding"> & { sum: Float64Array }>();
  return {
    add({ speakerKey, dataset, speakerId, embedding }) {
      if (speakerKey === null || speakerId === null) return;
      let entry = sums.get(speakerKey);
      if (entry === undefined) {
        entry = {
          key: speakerKey,
          dataset,
          speakerId,
          numUtterances: 0,
          sum: new Float64Array(embedding.length),
        };
        sums.set(speakerKey, entry);
      }
      const { sum } = entry;
      if (embedding.length !== sum.length)
        throw conflict(
          `The embeddings of speaker ${speakerKey} have ${sum.length} and ${quantity(embedding.length, "number")}. They come from different models.`,
          { got: embedding.length },
        );
      const weight = normalize ? 1 / lengthOf(embedding) : 1;
      for (let i = 0; i < sum.length; i++) sum[i]! += embedding[i]! * weight;
      entry.numUtterances++;
    },
    speakers: () =>
      Array.from(sums.values(), ({ sum, ...speaker }) => ({
        ...speaker,
        embedding: Float32Array.from(sum, (value) => value / speaker.numUtterances),
      })),
  };
}
