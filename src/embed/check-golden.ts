import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { loadAudio } from "../audio/load-audio.js";
import { invalid, missing, reasonOf } from "../errors.js";
import { readNpy } from "../format/npy.js";
import type { JsonObject } from "../format/read-json.js";
import type { ModelConfig } from "../models/adapter.js";
import type { Session } from "../runtime/session.js";
import { inside } from "../util/inside.js";
import { cosine, embedOnce, fitFrontEnd, goldenCosine, triedKinds } from "./fit-front-end.js";

/** What has been checked in this process, by model and front end. */
const passed = new Set<string>();

/**
 * Embeds the model's golden file and compares the result with the embedding that the original model gives: nothing else
 * shows that a front end is not the one that a model was trained with.
 *
 * @param identity of the model and all that is known of it
 * @throws `invalid` below a cosine of 0.999, saying what was tried and what would fit
 */
export async function checkGolden(
  session: Session,
  {
    path,
    config,
    configPath,
    identity,
  }: { path: string; config: ModelConfig; configPath: string; identity: unknown },
  understand: (changes: JsonObject) => ModelConfig,
): Promise<void> {
  const { golden } = config;
  if (golden === undefined) return;
  const key = JSON.stringify([path, identity, config]);
  if (passed.has(key)) return;
  const folder = dirname(configPath);
  const audio = inside(folder, golden.audio);
  const samples = async (sampleRate: number) => (await loadAudio(audio, { sampleRate })).samples;
  const expected = readEmbedding(inside(folder, golden.embedding));
  const found = cosine(await embedOnce(session, path, config, samples), expected);
  if (found >= goldenCosine) {
    passed.add(key);
    return;
  }
  const [best] = await fitFrontEnd(session, path, understand, samples, expected);
  const fits = best !== undefined && best.cosine >= goldenCosine;
  throw invalid(
    `The model ${path} does not give the embedding that its configuration promises for ${golden.audio}: the cosine is ` +
      `${shownCosine(found)}, less than ${goldenCosine}. Tried ${triedKinds}: ` +
      (fits
        ? `it fits with ${best.settings} (${shownCosine(best.cosine)}). Correct ${configPath}.`
        : `none fits${best === undefined ? "" : `; the nearest is ${best.settings} with ${shownCosine(best.cosine)}`}. See docs/models.md.`),
    { path, got: found },
  );
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
