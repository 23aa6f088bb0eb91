import { invalid } from "../errors.js";
import { quantityIs } from "../shared/text.js";
import type { SimilarityResult } from "../similarity/options.js";
import type { SpeakerInfo, SpeakerPair } from "../types.js";
import { demandCosine } from "../util/demand.js";

/**
 * The listed pairs with the details of both speakers, most similar first.
 *
 * @param speakers the rows that were compared, in the same order
 * @param threshold leaves out pairs below, cosine in [-1, 1]; default: the one they were listed with. For a lower one, compare
 * again or see `pairsInMatrix`: pairs that were not listed are not here either
 * @param against the speakers that were compared with; default: `speakers`
 * @throws `invalid` when there are not as many speakers as rows, and for a threshold that no cosine can have
 *
 * @example
 * highSimilarityPairs(result, speakers, { threshold: 0.95 })
 */
export function highSimilarityPairs(
  { pairs, n, statistics }: Pick<SimilarityResult, "pairs" | "n" | "statistics">,
  speakers: readonly SpeakerInfo[],
  {
    threshold = statistics.threshold,
    against = speakers,
  }: { threshold?: number; against?: readonly SpeakerInfo[] } = {},
): SpeakerPair[] {
  if (speakers.length !== n)
    throw invalid(
      `${quantityIs(speakers.length, "speaker")} given, but ${n} ${n === 1 ? "was" : "were"} compared. Give those that were compared.`,
      { got: speakers.length },
    );
  demandCosine(threshold);
  return pairs
    .filter(({ similarity }) => similarity >= threshold)
    .map(({ i, j, similarity }) => ({ speaker1: info(speakers[i]), speaker2: info(against[j]), similarity }));
}

const info = ({ key, dataset, speakerId, numUtterances }: SpeakerInfo): SpeakerInfo => ({
  key,
  dataset,
  speakerId,
  numUtterances,
});
