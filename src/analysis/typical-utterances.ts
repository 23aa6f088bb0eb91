import { invalid } from "../errors.js";
import type { UtteranceEmbedding } from "../types.js";
import { dot } from "../vectors/dot.js";
import { unitRows } from "../vectors/unit-rows.js";
import { bySpeaker, withSpeakers } from "./by-speaker.js";
import { centroids } from "./centroids.js";

/** An utterance, and its similarity to the mean of its speaker. */
export interface TypicalUtterance extends Omit<UtteranceEmbedding, "embedding"> {
  speakerId: string;
  /** Cosine to the speaker's mean embedding. */
  similarity: number;
}

/**
 * The utterances of each speaker that are nearest to the speaker's mean embedding: what to listen to first.
 *
 * @param count most utterances per speaker; default 1
 * @returns speaker after speaker in the order of their first utterance, nearest first
 * @example
 * typicalUtterances(utterances, { count: 1 }).map(({ path }) => path);
 */
export function typicalUtterances(
  embedded: readonly UtteranceEmbedding[],
  { count = 1 }: { count?: number } = {},
): TypicalUtterance[] {
  if (!(count >= 1)) throw invalid(`count is ${count}. It must be 1 or more.`, { got: count });
  const utterances = withSpeakers(embedded);
  const rows = unitRows(utterances);
  const means = unitRows(centroids(utterances));
  return bySpeaker(utterances).flatMap((speaker, s) =>
    speaker.rows
      .map((i) => {
        const { embedding: _, ...utterance } = utterances[i];
        return { ...utterance, similarity: dot(rows.data, i, means.data, s, rows.dimension) };
      })
      .sort((a, b) => b.similarity - a.similarity)
      .slice(0, count),
  );
}
