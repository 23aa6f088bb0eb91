import { typicalUtterances } from "../analysis/typical-utterances.js";
import type { SpeakerPair, UtteranceEmbedding } from "../types.js";
import { speakerIdentity } from "../util/speaker-identity.js";
import type { Clip } from "./player.js";

/**
 * The two voices of each pair of speakers, side by side for `player`: the utterance of each speaker that is closest to the
 * speaker's mean.
 *
 * @param utterances those of the speakers in the pairs, or more
 *
 * @example
 * player(pairVoices(highSimilarityPairs(result, speakers).slice(0, 4), utterances))
 */
export function pairVoices(
  pairs: readonly SpeakerPair[],
  utterances: readonly UtteranceEmbedding[],
): Clip[][] {
  const wanted = new Set(
    pairs.flatMap(({ speaker1, speaker2 }) => [speaker1, speaker2].map(speakerIdentity)),
  );
  const typical = new Map(
    typicalUtterances(utterances.filter((utterance) => wanted.has(speakerIdentity(utterance)))).map(
      (utterance) => [speakerIdentity(utterance), utterance],
    ),
  );
  return pairs.map(({ speaker1, speaker2, similarity }) =>
    [speaker1, speaker2].flatMap((speaker) => {
      const utterance = typical.get(speakerIdentity(speaker));
      if (utterance === undefined) return [];
      const { path, dataset, speakerId } = utterance;
      return { path, dataset, speakerId, detail: `similarity of the pair ${similarity.toFixed(3)}` };
    }),
  );
}
