import { existsSync } from "node:fs";
import { basename, dirname, extname, join } from "node:path";
import { invalid, missing, shown, unknown } from "../errors.js";
import { type FbankOptions, type FrontEndRecord, fbankDefaults } from "../features/fbank.js";
import { isObject, type JsonObject } from "../format/read-json.js";
import { ownKeys, readYaml } from "../format/read-yaml.js";

/** What must be known of a model besides its graph: one small YAML or JSON file beside it. */
export interface ModelConfig {
  name: string;
  sampleRate: number;
  /** Length of an embedding. */
  dimension: number;
  frontend: FrontEndRecord;
  /** Names of the graph's input (batch, frames, mel bins) and output (batch, dimension). */
  input: string;
  output: string;
  /** Frames below which the model gives nonsense. */
  minFrames: number;
  /** Other files of the same model by precision, relative to the configuration. */
  variants: Record<string, string>;
}

type Range = readonly [low: number, high: number];

/*
 * A configuration comes with a model, from anywhere. The ranges hold what speaker models have and more, and keep a slip or
 * a hostile value from asking for gigabytes.
 */
const ranges = {
  sample_rate: [1000, 192_000],
  fbank_dim: [1, 1024],
  embedding_size: [1, 65_536],
  min_frames: [1, 100_000],
} satisfies Record<string, Range>;

const frontendKeys = {
  frame_length_ms: { name: "frameLengthMs", range: [1, 1000] },
  frame_shift_ms: { name: "frameShiftMs", range: [1, 1000] },
  window: { name: "window", choices: ["povey", "hamming", "hanning", "blackman", "rectangular"] },
  preemphasis: { name: "preemphasis", range: [0, 1] },
  low_frequency: { name: "lowFrequency", range: [0, 96_000] },
  // 0 or below counts down from half the sample rate.
  high_frequency: { name: "highFrequency", range: [-96_000, 96_000] },
  remove_dc_offset: { name: "removeDcOffset" },
  scale: { name: "scale", range: [1e-6, 1e9] },
  mean_normalization: { name: "meanNormalization" },
} as const satisfies Record<string, { name: keyof FbankOptions; range?: Range; choices?: readonly string[] }>;

/** Samples of the longest frame. */
const longestFrame = 8192;

/** Characters of the longest name. */
const longestText = 256;

/**
 * Reads a model's configuration, from the file named or from the one beside the model.
 *
 * The keys of the Python pipeline (`sample_rate`, `fbank_dim`, `embedding_size`) are understood; keys that only
 * training needs are passed over.
 *
 * @throws `missing` with the text of a configuration to start from when there is none; `invalid` naming key, value and file
 * @example
 * readModelConfig(bundledModel).dimension // 192
 */
export function readModelConfig(modelPath: string, configFile?: string): ModelConfig {
  const path = configFile ?? findConfig(modelPath);
  const keys = readYaml(path, "The model configuration");
  const whole = (key: keyof typeof ranges, fallback?: number): number =>
    inRange(keys[key] ?? fallback, { key, path, range: ranges[key], isWhole: true });
  const text = (key: string, fallback: string): string => {
    const value = keys[key] ?? fallback;
    if (typeof value === "string" && value.length <= longestText) return value;
    throw invalid(
      `${key} in ${path} must be text of at most ${longestText} characters, not ${shown(value)}.`,
      {
        path,
        got: value,
      },
    );
  };
  const sampleRate = whole("sample_rate");
  const config: ModelConfig = {
    name: text("name", basename(modelPath, extname(modelPath))),
    sampleRate,
    dimension: whole("embedding_size"),
    frontend: {
      ...fbankDefaults,
      ...frontend(keys.frontend, path),
      sampleRate,
      numMelBins: whole("fbank_dim", 80),
    },
    input: text("input", ""),
    output: text("output", ""),
    minFrames: whole("min_frames", 1),
    variants: variants(keys.variants, path),
  };
  checkFrontend(config.frontend, path);
  return config;
}

function findConfig(modelPath: string): string {
  const stem = modelPath.slice(0, modelPath.length - extname(modelPath).length);
  const candidates = [`${stem}.yaml`, `${stem}.yml`, `${stem}.json`, join(dirname(modelPath), "config.yaml")];
  const found = candidates.find((path) => existsSync(path));
  if (found !== undefined) return found;
  throw missing(
    `The model ${modelPath} has no configuration beside it. Write ${candidates[0]}, such as ` +
      `"sample_rate: 16000\\nfbank_dim: 80\\nembedding_size: 192", or name one with --config_file.`,
    { path: candidates[0] },
  );
}

interface Place {
  key: string;
  path: string;
  range: Range;
  isWhole?: boolean;
}

function inRange(value: unknown, { key, path, range: [low, high], isWhole = false }: Place): number {
  if (typeof value === "number" && value >= low && value <= high && (!isWhole || Number.isInteger(value)))
    return value;
  const kind = isWhole ? "a whole number" : "a number";
  const found =
    value === undefined ? `${path} has no ${key}. It` : `${key} in ${path} is ${shown(value)}. It`;
  throw invalid(`${found} must be ${kind} from ${low} to ${high}.`, { path, got: value ?? null });
}

function frontend(value: unknown, path: string): FbankOptions {
  if (value === undefined || value === null) return {};
  if (!isObject(value))
    throw invalid(`frontend in ${path} must be keys such as window, not ${shown(value)}.`, {
      path,
      got: value,
    });
  return Object.fromEntries(
    Object.entries(value).map(([key, setting]) => {
      if (!isFrontendKey(key))
        throw unknown(
          `frontend.${key} in ${path} is not known. The keys are ${Object.keys(frontendKeys).join(", ")}.`,
          {
            path,
            got: key,
          },
        );
      return [frontendKeys[key].name, frontendSetting(key, setting, path)];
    }),
  );
}

const isFrontendKey = (key: string): key is keyof typeof frontendKeys => Object.hasOwn(frontendKeys, key);

function frontendSetting(key: keyof typeof frontendKeys, value: unknown, path: string): unknown {
  const known = frontendKeys[key];
  if ("range" in known) return inRange(value, { key: `frontend.${key}`, path, range: known.range });
  const choices: readonly unknown[] = "choices" in known ? known.choices : [true, false];
  if (choices.includes(value)) return value;
  throw invalid(`frontend.${key} in ${path} is ${shown(value)}. It must be ${choices.join(", ")}.`, {
    path,
    got: value,
  });
}

/** What no key shows alone: the frame in samples, and the band of the filters. */
function checkFrontend(frontend: FrontEndRecord, path: string): void {
  const { sampleRate, frameLengthMs, frameShiftMs, lowFrequency, highFrequency } = frontend;
  const samples = (sampleRate * frameLengthMs) / 1000;
  if (!(samples >= 2 && samples <= longestFrame))
    throw invalid(
      `A frame of ${frameLengthMs} ms at ${sampleRate} Hz is ${samples} samples in ${path}. It must be 2 to ${longestFrame}.`,
      { path, got: samples },
    );
  if ((sampleRate * frameShiftMs) / 1000 < 1)
    throw invalid(
      `frontend.frame_shift_ms in ${path} is ${frameShiftMs}, less than one sample at ${sampleRate} Hz.`,
      {
        path,
        got: frameShiftMs,
      },
    );
  const half = sampleRate / 2;
  const high = highFrequency > 0 ? highFrequency : half + highFrequency;
  if (!(lowFrequency < high && high <= half))
    throw invalid(
      `The filters in ${path} would reach from ${lowFrequency} to ${high} Hz. They must lie between 0 and ${half} Hz, ` +
        "half the sample rate (frontend.low_frequency, frontend.high_frequency).",
      { path, got: [lowFrequency, high] },
    );
}

function variants(value: unknown, path: string): Record<string, string> {
  if (value === undefined || value === null) return {};
  const isNames = (files: JsonObject): files is Record<string, string> =>
    Object.values(files).every((file) => typeof file === "string" && file !== "");
  const own = isObject(value) ? ownKeys(value) : {};
  if (isObject(value) && isNames(own)) return own;
  throw invalid(`variants in ${path} must name a file for each precision, not ${shown(value)}.`, {
    path,
    got: value,
  });
}
