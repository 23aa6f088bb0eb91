import { typicalUtterances } from "../analysis/typical-utterances.js";
import type { UtteranceVariability } from "../analysis/variability.js";
import type { UtteranceEmbedding } from "../types.js";
import type { Clip } from "./player.js";

/**
 * Each utterance that does not fit its speaker, beside one that does, for `player`.
 *
 * @param outliers as `variability` flags them
 * @param utterances those of the outliers' speakers, or more
 *
 * @example
 * player(outlierVoices(variability(utterances).outliers.slice(0, 3), utterances))
 */
export function outlierVoices(
  outliers: readonly UtteranceVariability[],
  utterances: readonly UtteranceEmbedding[],
): Clip[][] {
  return outliers.map(({ path, dataset, speakerId, similarity, nearestSpeaker, isWrongLabel }) => {
    const own = utterances.filter((other) => other.dataset === dataset && other.speakerId === speakerId);
    const [typical] = typicalUtterances(own.filter((other) => other.path !== path));
    const suspicion = isWrongLabel ? `; nearer to ${nearestSpeaker}` : "";
    const name = `${dataset} / ${speakerId}`;
    return [
      {
        path,
        label: `${name}: the odd one`,
        detail: `${similarity.toFixed(3)} to the speaker's others${suspicion}`,
      },
      ...(typical === undefined ? [] : [{ path: typical.path, label: `${name}: typical` }]),
    ];
  });
}
