import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { loadAudio } from "../audio/load-audio.js";
import { invalid, missing, reasonOf } from "../errors.js";
import { readNpy } from "../format/npy.js";
import type { JsonObject } from "../format/read-json.js";
import type { ModelConfig } from "../models/adapter.js";
import type { Session } from "../runtime/session.js";
import { quantity } from "../shared/text.js";
import { cacheFolder } from "../util/cache-folder.js";
import { inside } from "../util/inside.js";
import { makeFolder } from "../util/make-folder.js";
import { packageVersion } from "../util/package-root.js";
import { readBytes } from "../util/read-file.js";
import { cosine, embedOnce, fitFrontEnd, fitting, goldenCosine, triedKinds } from "./fit-front-end.js";

/** A model as far as its golden vector goes. */
export interface GoldenModel {
  path: string;
  config: ModelConfig;
  configPath: string | undefined;
  /** Of the model's files, and all that is known of it. */
  identity: unknown;
}

/**
 * Embeds the model's golden file and compares the result with the embedding that the original model gives: nothing else
 * shows that a front end is not the one that a model was trained with.
 *
 * @throws `invalid` below a cosine of 0.999, saying what was tried and what would fit
 */
export async function checkGolden(
  session: Session,
  model: GoldenModel,
  understand: (changes: JsonObject) => ModelConfig,
): Promise<void> {
  const { path, config, configPath } = model;
  const files = goldenFiles(model);
  if (files === undefined) return;
  const samples = async (sampleRate: number) => (await loadAudio(files.audio, { sampleRate })).samples;
  const expected = readEmbedding(files.embedding);
  if (expected.length !== config.dimension)
    throw invalid(
      `The golden vector ${files.embedding} has ${quantity(expected.length, "number")}, but embeddings of ${path} have ${config.dimension}. ` +
        "Put the embedding of the original model there, as one row.",
      { path: files.embedding, got: expected.length },
    );
  if (!expected.every(Number.isFinite) || expected.every((value) => value === 0))
    throw invalid(
      `The golden vector ${files.embedding} is zero, or holds NaN or infinity: no embedding is like that.`,
      {
        path: files.embedding,
      },
    );
  const found = cosine(await embedOnce(session, path, config, samples), expected);
  if (found >= goldenCosine) {
    remember(goldenMark(model, files));
    return;
  }
  const fits = await fitFrontEnd(session, path, understand, samples, expected, { isKnown: true });
  const [best] = fits;
  const { equal } = fitting(fits);
  const also = equal.slice(1, 3).map(({ settings }) => `, and as well with ${settings}`);
  throw invalid(
    `The model ${path} does not give the embedding that its configuration promises for ${config.golden?.audio}: the cosine is ` +
      `${shownCosine(found)}, less than ${goldenCosine}. Tried ${triedKinds}: ` +
      (best !== undefined && equal.length > 0
        ? `it fits with ${best.settings} (${shownCosine(best.cosine)})${also.join("")}. Correct ${configPath}.`
        : `none fits${best === undefined ? "" : `; the nearest is ${best.settings} with ${shownCosine(best.cosine)}`}. See docs/models.md.`),
    { path, got: found },
  );
}

/** Whether this very model gave its golden vector before, on this machine. */
export function isGoldenChecked(model: GoldenModel): boolean {
  const files = goldenFiles(model);
  return files === undefined || existsSync(goldenMark(model, files));
}

interface GoldenFiles {
  audio: string;
  embedding: string;
}

function goldenFiles({ config: { golden }, configPath }: GoldenModel): GoldenFiles | undefined {
  if (golden === undefined || configPath === undefined) return undefined;
  const folder = dirname(configPath);
  return { audio: inside(folder, golden.audio), embedding: inside(folder, golden.embedding) };
}

/**
 * The file that says that the check was passed. Its name holds all that decides the outcome: the bytes of model, audio and
 * vector, what is known of the model, and this package's version.
 */
function goldenMark({ config, identity }: GoldenModel, { audio, embedding }: GoldenFiles): string {
  const hash = createHash("sha256").update(JSON.stringify([packageVersion(), identity, config]));
  hash.update(readBytes(audio, "The golden audio")).update(readBytes(embedding, "The golden vector"));
  return join(cacheFolder(), "golden-vectors", hash.digest("hex"));
}

/** Where nothing can be written, as in a home that is read-only, the check costs its time again. */
function remember(mark: string): void {
  try {
    makeFolder(dirname(mark));
    writeFileSync(mark, "");
  } catch {}
}

export const shownCosine = (value: number): string => value.toFixed(4);

/** A vector of a .npy file, of whatever shape. */
export function readEmbedding(path: string): Float32Array {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    throw missing(`The embedding ${path} cannot be read (${reasonOf(cause)}). Give a .npy file.`, {
      path,
      cause,
    });
  }
  return Float32Array.from(readNpy(bytes, { path }).data as ArrayLike<number>, Number);
}
