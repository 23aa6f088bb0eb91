import { join } from "node:path";
import { pickleDict } from "../format/write-pickle.js";
import type { SpeakerEmbedding } from "../types.js";
import { writeFile } from "../util/write-file.js";
import type { EmbeddedUtterance } from "./extraction.js";
import { speakerMeans } from "./speaker-means.js";

export interface WriteEmbeddingsOptions {
  normalize?: boolean;
  /** Sees each utterance as it is written. */
  onUtterance?: (utterance: EmbeddedUtterance) => void;
}

/**
 * Writes utterance_embeddings.pkl and speaker_embeddings.pkl into a folder, an utterance at a time.
 *
 * Memory: one sum a speaker.
 */
export async function writeEmbeddings(
  folder: string,
  utterances: AsyncIterable<EmbeddedUtterance>,
  options: WriteEmbeddingsOptions = {},
): Promise<SpeakerEmbedding[]> {
  const { normalize = false, onUtterance } = options;
  const means = speakerMeans({ normalize });
  async function* entries(): AsyncGenerator<[string, unknown]> {
    for await (const utterance of utterances) {
      means.add(utterance);
      onUtterance?.(utterance);
      const { key, embedding, dataset, speakerId, utteranceId, path } = utterance;
      yield [key, { embedding, dataset, speaker_id: speakerId, utterance_id: utteranceId, path }];
    }
  }
  await writeFile(join(folder, "utterance_embeddings.pkl"), pickleDict(entries()));
  const speakers = means.speakers();
  await writeFile(
    join(folder, "speaker_embeddings.pkl"),
    pickleDict(
      speakers.map(({ key, embedding, dataset, speakerId, numUtterances }): [string, unknown] => [
        key,
        { embedding, dataset, speaker_id: speakerId, num_utterances: numUtterances },
      ]),
    ),
  );
  return speakers;
}
