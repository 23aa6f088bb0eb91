import type { OnnxModel } from "../format/onnx.js";
import type { JsonObject } from "../format/read-json.js";

/** What sherpa-onnx's metadata calls windows, in the words of a configuration. */
const windows: Record<string, string> = {
  hann: "hanning",
  hanning: "hanning",
  povey: "povey",
  hamming: "hamming",
};

const norms: Record<string, string> = { "global-mean": "mean", per_feature: "mean-deviation" };

const frameworks: Record<string, string | undefined> = {
  "3d-speaker": "3d-speaker",
  wespeaker: "wespeaker",
  nemo: "nemo",
};

/**
 * What the metadata of an export says, in the keys of a configuration. The keys are those that sherpa-onnx writes into
 * models of WeSpeaker, 3D-Speaker and NeMo. Another framework says nothing; other values that nobody knows are handed on, to
 * be refused by name.
 *
 * Source: sherpa-onnx 634265c, scripts/{wespeaker, 3dspeaker, nemo/speaker-verification}, csrc/speaker-embedding-extractor*.
 */
export function toldByMetadata(metadata: OnnxModel["metadata"]): JsonObject {
  const keys: JsonObject = {};
  const frontend: JsonObject = {};
  const put = (
    into: JsonObject,
    key: string,
    name: string,
    translate: (text: string) => unknown = Number,
  ) => {
    const text = metadata.get(name);
    const value = text === undefined || text === "" ? undefined : translate(text);
    if (value !== undefined) into[key] = value;
  };
  put(keys, "family", "framework", (text) => frameworks[text.toLowerCase()]);
  put(keys, "sample_rate", "sample_rate");
  put(keys, "embedding_size", "output_dim");
  put(keys, "fbank_dim", "feat_dim");
  put(keys, "norm", "feature_normalize_type", (text) => norms[text] ?? text);
  put(frontend, "scale", "normalize_samples", (text) => (text === "0" ? 32768 : 1));
  put(frontend, "frame_length_ms", "window_size_ms");
  put(frontend, "frame_shift_ms", "window_stride_ms");
  put(frontend, "window", "window_type", (text) => windows[text] ?? text);
  return Object.keys(frontend).length > 0 ? { ...keys, frontend } : keys;
}
