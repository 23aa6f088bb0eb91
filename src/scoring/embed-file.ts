import type { Model } from "../embed/open-model.js";
import { invalid } from "../errors.js";
import { embedEach, loadPieces } from "../extract/embed-file.js";
import { prepare } from "../extract/prepare.js";
import { readBytes } from "../util/read-file.js";

/** The embedding of one file, made as `extract` does it: long files in pieces. */
export interface EmbeddedFile {
  embedding: Float32Array;
  seconds: number;
  /** Reasons to doubt the embedding, in words. */
  doubts: string[];
}

/** @throws `missing` when the file does not exist, `invalid` when it is not speech, with the reason */
export async function embedFile(path: string, model: Model): Promise<EmbeddedFile> {
  const refuse = (reason: string) =>
    invalid(`${path} cannot be embedded: ${reason.replace(/\.$/, "")}.`, { path });
  const loaded = await loadPieces(prepare(readBytes(path, "The audio file"), model, "mean"), model);
  if ("reason" in loaded) throw refuse(loaded.reason);
  const { seconds } = loaded;
  const doubts = loaded.doubts.map(({ warning, detail }) => `${warning}: ${detail}`);
  if ("embedding" in loaded) return { embedding: loaded.embedding, seconds, doubts };
  const [embedding] = await embedEach([loaded.features], model, 1);
  if (!(embedding instanceof Float32Array)) throw refuse(embedding.reason);
  return { embedding, seconds, doubts };
}
