import { createHash } from "node:crypto";
import { writePickle } from "../format/write-pickle.js";
import type { SpeakerEmbedding, Utterance, UtteranceEmbedding } from "../types.js";
import { inside } from "../util/inside.js";

/*
 * Individual pickles have the names of data set, speaker and utterance where a file system allows them. Others, such as a name
 * with a slash, are shortened and get a hash; file_index.json says which is which.
 */

/** The longest file name on Linux, macOS and Windows, in bytes. */
const maxName = 255;
/** Well below the longest path, which is 4,096 bytes with the folders above. */
const maxUtterance = 2000;

/** Where an utterance's own pickle lies: utterances/dataset/speaker/utterance.pkl. */
export function utterancePath(
  folder: string,
  { dataset, speakerId, utteranceId }: Pick<Utterance, "dataset" | "speakerId" | "utteranceId">,
): string {
  const deep = Buffer.byteLength(utteranceId) > maxUtterance;
  const names = deep ? [cut(utteranceId.replaceAll("/", "_"), utteranceId)] : utteranceId.split("/");
  const file = nameOf(names.pop()!, ".pkl");
  // A folder `a.pkl` would stand where the pickle of an utterance `a` beside it belongs.
  const folders = names.map((name) => (name.endsWith(".pkl") ? cut(name) : nameOf(name)));
  return inside(folder, "utterances", nameOf(dataset), speakerName(speakerId), ...folders, file);
}

/** Where a speaker's own pickle lies: speakers/dataset/speaker.pkl. */
export const speakerPath = (
  folder: string,
  { dataset, speakerId }: Pick<SpeakerEmbedding, "dataset" | "speakerId">,
): string => inside(folder, "speakers", nameOf(dataset), speakerName(speakerId, ".pkl"));

/** The folder of utterances whose speaker is unknown. */
const unknownSpeaker = "~unknown";

const speakerName = (speakerId: string | null, ending = ""): string => {
  if (speakerId === null) return unknownSpeaker + ending;
  return speakerId === unknownSpeaker ? cut(speakerId) + ending : nameOf(speakerId, ending);
};

/** A name with its ending, cut and marked with the hash of the whole where it is too long. */
function nameOf(name: string, ending = ""): string {
  if (/[/\0]/.test(name)) return cut(name.replace(/[/\0]/g, "_"), name) + ending;
  return Buffer.byteLength(name + ending) <= maxName ? name + ending : cut(name) + ending;
}

/** The beginning of a name with 64 bits of a hash. */
function cut(name: string, hashed = name): string {
  // A character that was cut in two decodes to U+FFFD.
  const beginning = Buffer.from(name)
    .subarray(0, 200)
    .toString("utf8")
    .replace(/\ufffd+$/, "");
  return `${beginning}~${createHash("sha256").update(hashed).digest("hex").slice(0, 16)}`;
}

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
