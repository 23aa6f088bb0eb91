import { type Family, families } from "../features/families.js";
import { type FbankOptions, fbankDefaults } from "../features/fbank.js";
import type { OnnxModel, OnnxValue } from "../format/onnx.js";
import type { JsonObject } from "../format/read-json.js";

/** How models of a family are fed, in the keys of a configuration, and how their graphs are told. */
interface FamilyAdapter {
  keys: JsonObject;
  /** Names of the graph's input and output in the family's own exports. */
  input: readonly string[];
  output: readonly string[];
}

/** TitaNet, as NeMo exports it. */
const titaNet: JsonObject = {
  layout: "BFT",
  extra_inputs: { length: "frames" },
  min_frames: 2,
  frame_multiple: 16,
  // The published export fails above 12,288 frames.
  max_seconds: 120,
};

/**
 * Sources: the exporters of WeSpeaker (dfa7419), 3D-Speaker (09e7806), NeMo 3.0.0, sherpa-onnx (634265c), and of this
 * project; SpeechBrain has none, so its networks go by several names.
 */
export const familyAdapters: Record<Family, FamilyAdapter> = {
  "3d-speaker": {
    keys: { layout: "BTF" },
    input: ["feature"],
    output: ["embedding"],
  },
  wespeaker: { keys: { layout: "BTF" }, input: ["feats"], output: ["embs"] },
  speechbrain: { keys: { layout: "BTF" }, input: [], output: ["embedding"] },
  nemo: {
    keys: titaNet,
    input: ["audio_signal"],
    output: ["embs"],
  },
  "nemo-1": {
    keys: titaNet,
    input: [],
    output: ["embs"],
  },
  ge2e: {
    keys: { layout: "BTF", partials: { frames: 160, step: 77, min_coverage: 0.75 } },
    input: ["mels"],
    output: ["embedding"],
  },
  waveform: {
    keys: { layout: "waveform" },
    input: ["input_values"],
    output: ["embeddings"],
  },
};

export const isFamily = (name: unknown): name is Family =>
  typeof name === "string" && Object.hasOwn(families, name);

/** The family whose exports call their tensors so, if their features can have the family's length. */
export function familyOfGraph({ inputs, outputs }: OnnxModel): Family | undefined {
  const has = (values: readonly OnnxValue[], names: readonly string[]) =>
    values.some(({ name }) => names.includes(name));
  return (Object.keys(familyAdapters) as Family[]).find((family) => {
    const { input, output, keys } = familyAdapters[family];
    if (!has(inputs, input) || !has(outputs, output)) return false;
    const shape = inputs.find(({ name }) => input.includes(name))!.shape;
    const size = featureSize(shape, String(keys.layout));
    return size === undefined || size === melBins(family);
  });
}

/** How many mel bins a family's features have, unless a configuration says otherwise. */
export function melBins(family: Family): number {
  const { numMelBins = fbankDefaults.numMelBins }: FbankOptions = families[family];
  return numMelBins;
}

/** The length of the axis of features, where the graph gives it. */
export function featureSize(shape: OnnxValue["shape"], layout: string): number | undefined {
  const axis = layout === "waveform" ? undefined : shape?.at(layout === "BFT" ? -2 : -1);
  return typeof axis === "number" && axis > 0 ? axis : undefined;
}
