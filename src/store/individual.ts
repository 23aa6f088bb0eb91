import { writePickle } from "../format/pickle.js";
import type { SpeakerEmbedding, Utterance, UtteranceEmbedding } from "../types.js";
import { inside } from "../util/inside.js";

/** Where an utterance's own pickle lies: utterances/dataset/speaker/utterance.pkl. */
export const utterancePath = (
  folder: string,
  { dataset, speakerId, utteranceId }: Pick<Utterance, "dataset" | "speakerId" | "utteranceId">,
): string => inside(folder, "utterances", dataset, speakerId, `${utteranceId}.pkl`);

/** Where a speaker's own pickle lies: speakers/dataset/speaker.pkl. */
export const speakerPath = (
  folder: string,
  { dataset, speakerId }: Pick<SpeakerEmbedding, "dataset" | "speakerId">,
): string => inside(folder, "speakers", dataset, `${speakerId}.pkl`);

/** The pickle of one utterance: {embedding, info}. */
export function individualUtterance(utterance: Omit<UtteranceEmbedding, "key">): Uint8Array {
  const { embedding, path, dataset, speakerId, utteranceId } = utterance;
  return writePickle({
    embedding,
    info: { path, dataset, speaker_id: speakerId, utterance_id: utteranceId },
  });
}

/** The pickle of one speaker: {embedding, info}. */
export function individualSpeaker({
  embedding,
  dataset,
  speakerId,
  numUtterances,
}: SpeakerEmbedding): Uint8Array {
  return writePickle({ embedding, info: { dataset, speaker_id: speakerId, num_utterances: numUtterances } });
}
