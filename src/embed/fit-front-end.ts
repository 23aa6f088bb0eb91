import { reasonOf } from "../errors.js";
import { families } from "../features/families.js";
import { isObject, type JsonObject } from "../format/read-json.js";
import type { ModelConfig } from "../models/adapter.js";
import type { Session } from "../runtime/session.js";
import { dot } from "../vectors/dot.js";
import { openFrontEnd } from "./front-end.js";
import { runGraph } from "./run-graph.js";

/** A change of a configuration, and how near the embedding comes with it. */
export interface Fit {
  /** The keys that differ, as a configuration has them: `window: hamming`. */
  settings: string;
  /** The same as an object, for `openModel({ config })`. */
  config: JsonObject;
  /** Cosine to the embedding that is known; NaN where the graph takes no such features. */
  cosine: number;
}

/** From here on two embeddings are of the same front end: another window or scale stays below. */
export const goldenCosine = 0.999;

const windows = ["povey", "hamming", "hanning", "blackman", "rectangular"];
const own: Record<string, JsonObject[]> = {
  scale: [1, 32768].map((scale) => ({ frontend: { scale } })),
  window: windows.flatMap((window) =>
    [false, true].map((periodic) => ({
      frontend: { window, ...(periodic ? { periodic_window: true } : {}) },
    })),
  ),
  mean: ["mean", "none", "mean-deviation"].map((norm) => ({ norm })),
  layout: ["BTF", "BFT"].map((layout) => ({ layout })),
};

/** What is tried where a known embedding is not met, in these words. */
export const triedKinds = "scale, window, mean, layout and each family's front end";

/** Cosines that differ by less are of front ends that this signal does not tell apart. */
const sameCosine = 1e-6;

/**
 * What is tried that fits, and among it what fits as well as the best: a scale, say, that the mean takes away again.
 *
 * @param fits as `fitFrontEnd` gives them
 */
export function fitting(fits: readonly Fit[]): { equal: Fit[]; worse: Fit[] } {
  const good = fits.filter(({ cosine }) => cosine >= goldenCosine);
  const isEqual = ({ cosine }: Fit) => good[0]!.cosine - cosine < sameCosine;
  return { equal: good.filter(isEqual), worse: good.filter((fit) => !isEqual(fit)) };
}

/** Single changes and whole families, then scales, windows and means together, and families with a change. */
function* changes(isKnown: boolean): Generator<JsonObject[]> {
  const singles = Object.values(own).flat();
  const whole = Object.keys(families).map((family) => ({ family }));
  yield isKnown ? [...singles, ...whole] : [...whole, ...singles];
  yield [
    ...own.scale!.flatMap((a) =>
      own.window!.flatMap((b) => own.mean!.map((c) => mergedKeys(mergedKeys(a, b), c))),
    ),
    ...whole.flatMap((family) => singles.map((single) => mergedKeys(family, single))),
  ];
}

/**
 * Looks for the front end with which a model gives an embedding that is known: first changes of one setting and whole
 * families, then, if none fits, several at once.
 *
 * @param understand the model's configuration with these keys changed
 * @param isKnown whether the model has a front end, in which one setting is probably wrong; else families come first
 * @returns all that was tried, the nearest first; of those that are equally near the one that was tried first
 */
export async function fitFrontEnd(
  session: Session,
  path: string,
  understand: (changes: JsonObject) => ModelConfig,
  samples: (sampleRate: number) => Promise<Float32Array>,
  embedding: Float32Array,
  { isKnown }: { isKnown: boolean },
): Promise<Fit[]> {
  const fits: Fit[] = [];
  const seen = new Set<string>();
  for (const round of changes(isKnown)) {
    for (const config of round) {
      const settings = described(config);
      try {
        const understood = understand(config);
        const way = JSON.stringify([understood.frontend, understood.layout, understood.partials]);
        if (seen.has(way)) continue;
        seen.add(way);
        const found = await embedOnce(session, path, understood, samples);
        fits.push({ settings, config, cosine: cosine(found, embedding) });
      } catch (error) {
        // Features that the graph cannot take do not fit; a session that is gone would be another matter.
        if (/session.*(released|closed)/i.test(reasonOf(error))) throw error;
      }
    }
    const rank = ({ cosine }: Fit) => (Number.isNaN(cosine) ? -2 : Math.round(cosine / sameCosine));
    fits.sort((a, b) => rank(b) - rank(a));
    if ((fits[0]?.cosine ?? 0) >= goldenCosine) break;
  }
  return fits;
}

/** The embedding of one signal, as this configuration makes it. */
export async function embedOnce(
  session: Session,
  path: string,
  config: ModelConfig,
  samples: (sampleRate: number) => Promise<Float32Array>,
): Promise<Float32Array> {
  const { frontend: fbank, minFrames, partials, maxSeconds } = config;
  const run = runGraph(session, config, path);
  const frontEnd = openFrontEnd({ fbank, minFrames, bucket: 1, partials, maxSeconds });
  const signal = await samples(config.sampleRate);
  return (await run([frontEnd.features(signal)]))[0]!;
}

/** NaN for vectors of unlike lengths, or without a direction. */
export function cosine(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) return Number.NaN;
  const product = (x: Float32Array, y: Float32Array) => dot(x, 0, y, 0, x.length);
  return product(a, b) / Math.sqrt(product(a, a) * product(b, b));
}

/** One object of keys over another, those of `frontend` one by one. */
export function mergedKeys(keys: JsonObject = {}, changes: JsonObject): JsonObject {
  const frontend = { ...part(keys), ...part(changes) };
  return { ...keys, ...changes, ...(Object.keys(frontend).length > 0 ? { frontend } : {}) };
}

const part = ({ frontend }: JsonObject): JsonObject => (isObject(frontend) ? frontend : {});

function described(config: JsonObject): string {
  const { frontend: _, ...keys } = config;
  return Object.entries({ ...keys, ...part(config) })
    .map(([key, value]) => `${key}: ${value}`)
    .join(", ");
}
