import type { Model } from "../embed/open-model.js";
import { invalid } from "../errors.js";
import { embedEach, loadPieces } from "../extract/embed-file.js";
import { prepare } from "../extract/prepare.js";
import { readBytes } from "../util/read-file.js";

/** The voice of one file, embedded as `extract` does: a long one in pieces. */
export interface EmbeddedFile {
  embedding: Float32Array;
  seconds: number;
  /** What makes the embedding doubtful, in words. */
  doubts: string[];
}

/** @throws `missing` where there is no such file, `invalid` for what is no speech, with the reason */
export async function embedFile(path: string, model: Model): Promise<EmbeddedFile> {
  const refuse = (reason: string) => invalid(`${path} cannot be embedded: ${reason}.`, { path });
  const loaded = await loadPieces(prepare(readBytes(path, "The audio file"), model, "mean"), model);
  if ("reason" in loaded) throw refuse(loaded.reason.replace(/\.$/, ""));
  const { seconds } = loaded;
  const doubts = loaded.doubts.map(({ warning, detail }) => `${warning}: ${detail}`);
  if ("embedding" in loaded) return { embedding: loaded.embedding, seconds, doubts };
  const [embedding] = await embedEach([loaded.features], model, 1);
  if (!(embedding instanceof Float32Array)) throw refuse(embedding.reason.replace(/\.$/, ""));
  return { embedding, seconds, doubts };
}
