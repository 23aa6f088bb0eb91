import { invalid, shown } from "../errors.js";
import { readNamedVectors } from "../store/read-vectors.js";
import type { AuditUtterance } from "./audit-corpus.js";

/** An utterance with the file that it was embedded from, where the embeddings say so. */
export interface StoredUtterance extends AuditUtterance {
  path?: string;
}

/**
 * Reads embeddings with names: what merging wrote, or a .npz file or pickle whose keys are `dataset/speaker/utterance` or
 * `speaker/utterance`.
 *
 * @throws `invalid` for keys that name no speaker; as `readVectors` does
 */
export async function readAuditUtterances(path: string): Promise<StoredUtterance[]> {
  const rows = await readNamedVectors(path);
  return rows.map(({ key, dataset, speakerId, embedding, path: audio, session }) => {
    // Reading vectors gives an unknown speaker as "".
    if (dataset !== "" || speakerId !== key)
      return {
        key,
        dataset,
        speakerId: speakerId === "" ? null : speakerId,
        session,
        embedding,
        path: audio,
      };
    const parts = key.split("/");
    if (parts.length < 2)
      throw invalid(
        `The key ${shown(key)} in ${path} names no speaker. Keys must be dataset/speaker/utterance, or speaker/utterance.`,
        { path, got: key },
      );
    const [set, speaker] = parts.length === 2 ? ["", parts[0]] : parts;
    return { key, dataset: set, speakerId: speaker, embedding };
  });
}
