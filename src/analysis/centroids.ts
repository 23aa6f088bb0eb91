import { speakerMeans } from "../store/speaker-means.js";
import type { SpeakerEmbedding, UtteranceEmbedding } from "../types.js";
import { speakerIdentity } from "../util/speaker-identity.js";
import { withSpeakers } from "./by-speaker.js";

/**
 * The mean embedding of every speaker, as merging computes it: summed in float64 in the order given, rounded once.
 *
 * @param normalize average unit vectors, so that long embeddings weigh no more than others; default false
 * @returns speakers in the order of their first utterance
 * @example
 * const speakers = centroids(utterances.filter(({ dataset }) => dataset === "studio"));
 */
export function centroids(
  utterances: readonly UtteranceEmbedding[],
  { normalize = false }: { normalize?: boolean } = {},
): SpeakerEmbedding[] {
  const means = speakerMeans({ normalize });
  for (const utterance of withSpeakers(utterances))
    means.add({ ...utterance, speakerKey: speakerIdentity(utterance) });
  return means.speakers().map((speaker) => ({ ...speaker, key: `${speaker.dataset}_${speaker.speakerId}` }));
}
