import { loadAudio } from "../audio/load-audio.js";
import type { OnnxModel } from "../format/onnx.js";
import type { JsonObject } from "../format/read-json.js";
import type { ModelConfig } from "../models/adapter.js";
import type { Setting } from "../models/model-config.js";
import { openSession } from "../runtime/session.js";
import { isGoldenChecked, readEmbedding } from "./check-golden.js";
import { type Fit, fitFrontEnd, mergedKeys } from "./fit-front-end.js";
import { identifyModel, type ModelIdentity, type ModelOptions } from "./open-model.js";
import { showInspection } from "./show-model.js";

/** What is known of a model, and who told it. */
export interface ModelInspection {
  path: string;
  /** The configuration file; undefined where there is none. */
  configPath: string | undefined;
  identity: ModelIdentity;
  config: ModelConfig;
  /** Each value in the words of a configuration, and where it comes from. */
  settings: Setting[];
  inputs: OnnxModel["inputs"];
  outputs: OnnxModel["outputs"];
}

/**
 * Says how a model is understood, and from where: by options, by the configuration beside it, by its metadata, by the
 * family that its metadata or the names of its tensors point to, by the shapes of its graph. The model is not run.
 *
 * @param modelPath path of an .onnx file, or the name of a bundled model
 * @throws what `openModel` throws where the sources contradict each other
 * @example
 * console.table(inspectModel("ge2e").settings)
 */
export function inspectModel(
  modelPath: string,
  options: Omit<ModelOptions, "modelPath"> = {},
): ModelInspection {
  const { path, configPath, identity, config, settings, graph } = identifyModel({ ...options, modelPath });
  const inspection = {
    path,
    configPath,
    identity,
    config,
    settings,
    inputs: graph?.inputs ?? [],
    outputs: graph?.outputs ?? [],
  };
  const isChecked = () =>
    isGoldenChecked(identifyModel({ ...options, modelPath, precision: "fp32", bucket: 1 }));
  return showInspection(inspection, config, isChecked);
}

/**
 * Finds the front end with which a model gives an embedding that is known, by trying those of all families, and other
 * scales, windows, means and layouts.
 *
 * A single clip of some seconds is enough: the right front end comes to a cosine of 0.9999 and more, a wrong one rarely to
 * 0.999.
 *
 * @param modelPath path of an .onnx file, or the name of a bundled model
 * @param audio path of an audio file
 * @param embedding path of a .npy file: what the original model gives for that file
 * @returns what was tried, the nearest first: `settings` in the words of a configuration, and the cosine
 * @example
 * const model = inspectModel("campplus")
 * // const [best] = await fitModel("model.onnx", "clip.wav", "embedding.npy")
 */
export async function fitModel(
  modelPath: string,
  audio: string,
  embedding: string,
  options: Omit<ModelOptions, "modelPath"> = {},
): Promise<Fit[]> {
  const expected = readEmbedding(embedding);
  const { device = "cpu", threads = 1, config = {} } = options;
  const asked: JsonObject = { sample_rate: 16000, embedding_size: expected.length, ...config };
  const understood = (changes: JsonObject) =>
    identifyModel({ ...options, modelPath, config: mergedKeys(asked, changes) });
  const { path, configPath } = understood({});
  const signals = new Map<number, Promise<Float32Array>>();
  const samples = (sampleRate: number) => {
    const signal =
      signals.get(sampleRate) ?? loadAudio(audio, { sampleRate }).then((loaded) => loaded.samples);
    signals.set(sampleRate, signal);
    return signal;
  };
  await samples(16000);
  const session = await openSession(path, { device, threads });
  try {
    return await fitFrontEnd(session, path, (changes) => understood(changes).config, samples, expected, {
      isKnown: configPath !== undefined,
    });
  } finally {
    await session.close();
  }
}
