import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, extname, join } from "node:path";
import { parse } from "yaml";
import { invalid, missing, reasonOf, unknown } from "../errors.js";
import { type FbankOptions, fbankDefaults } from "../features/fbank.js";

/** What must be known of a model besides its graph: one small YAML or JSON file beside it. */
export interface ModelConfig {
  name: string;
  sampleRate: number;
  /** Length of an embedding. */
  dimension: number;
  frontend: Required<FbankOptions>;
  /** Names of the graph's input (batch, frames, mel bins) and output (batch, dimension). */
  input: string;
  output: string;
  /** Frames below which the model gives nonsense. */
  minFrames: number;
  /** Other files of the same model by precision, relative to the configuration. */
  variants: Record<string, string>;
}

const frontendKeys: Record<string, keyof FbankOptions> = {
  frame_length_ms: "frameLengthMs",
  frame_shift_ms: "frameShiftMs",
  window: "window",
  preemphasis: "preemphasis",
  low_frequency: "lowFrequency",
  high_frequency: "highFrequency",
  remove_dc_offset: "removeDcOffset",
  scale: "scale",
  mean_normalization: "meanNormalization",
};

/**
 * Reads a model's configuration, from the file named or from the one beside the model.
 *
 * The keys of the Python pipeline (`sample_rate`, `fbank_dim`, `embedding_size`) are understood; keys that only
 * training needs are passed over.
 *
 * @throws `missing` with the text of a configuration to start from when there is none; `invalid` naming key and file
 */
export function readModelConfig(modelPath: string, configFile?: string): ModelConfig {
  const path = configFile ?? findConfig(modelPath);
  let raw: unknown;
  try {
    raw = parse(readFileSync(path, "utf8"));
  } catch (cause) {
    throw invalid("model configuration", "file", { path, want: `YAML or JSON; ${reasonOf(cause)}`, cause });
  }
  if (typeof raw !== "object" || raw === null || Array.isArray(raw))
    throw invalid("model configuration", "file", {
      path,
      got: raw,
      want: "keys such as sample_rate and embedding_size",
    });
  const keys = raw as Record<string, unknown>;
  const number = (key: string, fallback?: number): number => {
    const value = keys[key] ?? fallback;
    if (typeof value !== "number" || !(value > 0) || !Number.isInteger(value))
      throw invalid("model configuration", key, {
        path,
        got: value ?? null,
        want: "a positive whole number",
      });
    return value;
  };
  const text = (key: string, fallback: string): string => {
    const value = keys[key] ?? fallback;
    if (typeof value !== "string")
      throw invalid("model configuration", key, { path, got: value, want: "text" });
    return value;
  };
  const sampleRate = number("sample_rate");
  return {
    name: text("name", basename(modelPath, extname(modelPath))),
    sampleRate,
    dimension: number("embedding_size"),
    frontend: {
      ...fbankDefaults,
      ...frontend(keys.frontend, path),
      sampleRate,
      numMelBins: number("fbank_dim", 80),
    },
    input: text("input", ""),
    output: text("output", ""),
    minFrames: number("min_frames", 1),
    variants: variants(keys.variants, path),
  };
}

function findConfig(modelPath: string): string {
  const stem = modelPath.slice(0, modelPath.length - extname(modelPath).length);
  const candidates = [`${stem}.yaml`, `${stem}.yml`, `${stem}.json`, join(dirname(modelPath), "config.yaml")];
  const found = candidates.find((path) => existsSync(path));
  if (found !== undefined) return found;
  throw missing("model configuration", "file", {
    path: candidates[0]!,
    want: `a file such as "sample_rate: 16000\\nfbank_dim: 80\\nembedding_size: 192" there, or --config_file`,
  });
}

function frontend(value: unknown, path: string): FbankOptions {
  if (value === undefined) return {};
  if (typeof value !== "object" || value === null)
    throw invalid("model configuration", "frontend", { path, got: value, want: "keys such as window" });
  return Object.fromEntries(
    Object.entries(value).map(([key, setting]) => {
      const name = frontendKeys[key];
      if (name === undefined)
        throw unknown("model configuration", `key frontend.${key}`, {
          path,
          want: Object.keys(frontendKeys).join(", "),
        });
      if (typeof setting !== typeof fbankDefaults[name])
        throw invalid("model configuration", `frontend.${key}`, {
          path,
          got: setting,
          want: `a ${typeof fbankDefaults[name]}`,
        });
      return [name, setting];
    }),
  );
}

function variants(value: unknown, path: string): Record<string, string> {
  if (value === undefined) return {};
  if (
    typeof value !== "object" ||
    value === null ||
    Object.values(value).some((file) => typeof file !== "string")
  )
    throw invalid("model configuration", "variants", { path, got: value, want: "precision: file" });
  return value as Record<string, string>;
}
