import { existsSync } from "node:fs";
import { basename, dirname, extname, join } from "node:path";
import { conflict, invalid, missing, shown, unknown } from "../errors.js";
import { type Family, families } from "../features/families.js";
import { type FbankOptions, type FrontEndRecord, fbankDefaults } from "../features/fbank.js";
import type { OnnxModel } from "../format/onnx.js";
import { isObject, type JsonObject } from "../format/read-json.js";
import { ownKeys, readYaml } from "../format/read-yaml.js";
import { nearestName } from "../shared/nearest-name.js";
import type { ExtraInput, Layout, ModelConfig } from "./adapter.js";
import { familyAdapters, familyOfGraph, featureSize, isFamily, melBins } from "./family-adapters.js";
import { toldByMetadata } from "./told-by-file.js";

/** Where a value comes from, from the first that is believed to the last. */
export type Teller = "option" | "configuration" | "metadata" | "family" | "graph" | "default";

/** One value of a configuration, in the words of the YAML file, and who told it. */
export interface Setting {
  key: string;
  value: unknown;
  teller: Teller;
}

/** What is known of a model, and from where. */
export interface UnderstoodModel {
  config: ModelConfig;
  settings: Setting[];
  /** The configuration file; undefined where there is none. */
  configPath: string | undefined;
}

type Range = readonly [low: number, high: number];

/** A number in a range, one of some words, or (neither) true or false. */
interface Kind {
  range?: Range;
  isWhole?: boolean;
  choices?: readonly unknown[];
}

/*
 * A configuration comes with a model, from anywhere. The ranges hold what speaker models have and more, and keep a slip or
 * a hostile value from asking for gigabytes.
 */
const numbers = {
  sample_rate: { range: [1000, 192_000], isWhole: true },
  fbank_dim: { range: [1, 1024], isWhole: true },
  embedding_size: { range: [1, 65_536], isWhole: true },
  min_frames: { range: [1, 100_000], isWhole: true },
  max_seconds: { range: [0.1, 86_400] },
  frame_multiple: { range: [1, 1000], isWhole: true },
  voice_threshold: { range: [-1, 1] },
} as const satisfies Record<string, Kind>;

const words = {
  family: { choices: Object.keys(families) },
  layout: { choices: ["BTF", "BFT", "waveform"] },
  norm: { choices: ["mean", "mean-deviation", "none"] },
} as const satisfies Record<string, Kind>;

const otherKeys = ["name", "input", "output", "extra_inputs", "partials", "golden", "variants", "frontend"];

/** The keys of `frontend`, and their names in a front end's record. */
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
  kind: { name: "kind", choices: ["fbank", "waveform"] },
  min_level_db: { name: "minLevelDb", range: [-200, 0] },
  standardize: { name: "standardize" },
  preemphasis_over: { name: "preemphasisOver", choices: ["frame", "signal"] },
  edges: { name: "edges", choices: ["snip", "zeros", "reflect"] },
  fft_size: { name: "fftSize", range: [2, 65_536], isWhole: true },
  periodic_window: { name: "periodicWindow" },
  mel_scale: { name: "melScale", choices: ["htk", "slaney"] },
  triangles: { name: "triangles", choices: ["mel", "hertz", "symmetric"] },
  unit_area: { name: "unitArea" },
  log: { name: "log", choices: ["ln", "db", "none"] },
  log_floor: { name: "logFloor", range: [0, 1] },
  log_offset: { name: "logOffset", range: [0, 1] },
  dynamic_range: { name: "dynamicRange", range: [0, 1000] },
  drop_last_frame: { name: "dropLastFrame" },
} as const satisfies Record<string, Kind & { name: keyof FbankOptions }>;

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
  return understandModel(modelPath, { configFile }).config;
}

export interface UnderstandOptions {
  /** The configuration, when it does not lie beside the model. */
  configFile?: string | undefined;
  /** Keys of a configuration that count more than the file's. */
  config?: JsonObject | undefined;
  /** What the model's file says of itself. */
  graph?: OnnxModel | undefined;
}

/**
 * Puts together what is told of a model: by options, by the configuration file, by the metadata in the model's file, by
 * the family that those or the names of its tensors point to, by the shapes of the graph.
 *
 * An option replaces what the others say. What else contradicts is an error with both values.
 */
export function understandModel(modelPath: string, options: UnderstandOptions = {}): UnderstoodModel {
  const { graph } = options;
  const configPath = options.configFile ?? findConfig(modelPath);
  const metadata = graph === undefined ? {} : toldByMetadata(graph.metadata);
  const named = graph === undefined ? undefined : familyOfGraph(graph);
  const layers: Layer[] = [
    layer("option", "the config option", options.config ?? {}),
    layer(
      "configuration",
      configPath ?? "",
      configPath === undefined ? {} : readYaml(configPath, "The model configuration"),
    ),
    layer("metadata", `the metadata of ${modelPath}`, metadata),
  ];
  for (const key of Object.keys(options.config ?? {}))
    if (!isKnownKey(key))
      throw unknown(
        `The key ${key} in the config option is not known.${meant(key, allKeys())} The keys are ${allKeys().join(", ")}.`,
        {
          got: key,
        },
      );
  // A key that only training needs is passed over; one of ours with a slip in it would be, too, without a word.
  for (const key of Object.keys(layers[1]!.keys)) {
    const own = isKnownKey(key) || key.startsWith("frontend.") ? undefined : nearestName(key, allKeys());
    if (own !== undefined)
      throw unknown(
        `The key ${key} in ${configPath} is not known. Did you mean ${own}? Correct it, or take it out.`,
        {
          path: configPath,
          got: key,
        },
      );
  }
  const told = new Told(layers, modelPath);
  const family = told.word("family", words.family) ?? named;
  if (configPath === undefined && family === undefined && !told.has("embedding_size"))
    throw noConfig(modelPath);
  if (isFamily(family)) {
    if (!told.has("family")) told.note("family", family, "graph");
    const keys = { ...familyAdapters[family].keys, sample_rate: 16000 };
    told.add(layer("family", `the family ${family}`, keys));
  }
  const known = isFamily(family) ? family : "3d-speaker";
  const tensors = tensorsOf(told, graph, known);
  const layout = tensors.layout;
  told.add(layer("graph", `the graph of ${modelPath}`, shapesOf(graph, tensors)));
  told.defaults({ fbank_dim: melBins(known), min_frames: 1, frame_multiple: 1 });

  const sampleRate = told.number("sample_rate", numbers.sample_rate, true)!;
  const norm = told.word("norm", words.norm) ?? normOf(known);
  const config: ModelConfig = {
    name: told.text("name", basename(modelPath, extname(modelPath))),
    sampleRate,
    dimension: told.number("embedding_size", numbers.embedding_size, true)!,
    frontend: {
      ...fbankDefaults,
      ...families[known],
      ...told.frontend(),
      sampleRate,
      numMelBins: told.number("fbank_dim", numbers.fbank_dim, true)!,
      meanNormalization: norm !== "none",
    },
    input: tensors.input,
    layout,
    extraInputs: extraInputs(told, graph),
    output: tensors.output,
    minFrames: told.number("min_frames", numbers.min_frames, true)!,
    maxSeconds: told.number("max_seconds", numbers.max_seconds),
    frameMultiple: told.number("frame_multiple", numbers.frame_multiple)!,
    partials: partials(told),
    golden: golden(told),
    voiceThreshold: told.number("voice_threshold", numbers.voice_threshold),
    variants: variants(told),
  };
  if (norm === "mean-deviation") config.frontend.deviationNormalization = true;
  else delete config.frontend.deviationNormalization;
  if (layout === "waveform") config.frontend.kind = "waveform";
  else checkFrontend(config.frontend, configPath ?? modelPath);
  return { config, settings: told.settings(), configPath };
}

function normOf(family: Family): "mean" | "mean-deviation" | "none" {
  const { meanNormalization = true, deviationNormalization = false }: FbankOptions = families[family];
  if (deviationNormalization) return "mean-deviation";
  return meanNormalization ? "mean" : "none";
}

const allKeys = () => [...Object.keys(numbers), ...Object.keys(words), ...otherKeys];
const isKnownKey = (key: string) => allKeys().includes(key);

/** What one source says, key by key; those of `frontend` have its name in front. */
interface Layer {
  teller: Teller;
  /** As an error names it. */
  place: string;
  keys: JsonObject;
}

function layer(teller: Teller, place: string, keys: JsonObject): Layer {
  const { frontend, norm, ...flat } = keys;
  const flattened: JsonObject = ownKeys(flat);
  if (norm !== undefined && norm !== null) flattened.norm = norm;
  if (frontend === undefined || frontend === null) return { teller, place, keys: flattened };
  if (!isObject(frontend))
    throw invalid(`frontend in ${place} must be keys such as window, not ${shown(frontend)}.`, {
      path: place,
      got: frontend,
    });
  for (const [key, value] of Object.entries(frontend)) {
    if (!isFrontendKey(key))
      throw unknown(
        `frontend.${key} in ${place} is not known.${meant(key, Object.keys(frontendKeys))} The keys are ${Object.keys(frontendKeys).join(", ")}.`,
        { path: place, got: key },
      );
    if (key !== "mean_normalization") {
      flattened[`frontend.${key}`] = value;
      continue;
    }
    checked(`frontend.${key}`, value, place, {});
    const told = value ? "mean" : "none";
    if (norm !== undefined && (norm === "none") === value)
      throw conflict(
        `${place} has norm ${shown(norm)} and frontend.mean_normalization ${shown(value)}. Keep one of them.`,
        { path: place },
      );
    flattened.norm ??= told;
  }
  return { teller, place, keys: flattened };
}

const isFrontendKey = (key: string): key is keyof typeof frontendKeys => Object.hasOwn(frontendKeys, key);

/** All that is told of a model. What is asked for is remembered with its source. */
class Told {
  readonly #layers: Layer[];
  readonly #asked = new Map<string, Setting>();

  constructor(
    layers: readonly Layer[],
    readonly modelPath: string,
  ) {
    this.#layers = [...layers];
  }

  add(next: Layer): void {
    this.#layers.push(next);
  }

  defaults(keys: JsonObject): void {
    this.add({ teller: "default", place: "the defaults", keys });
  }

  note(key: string, value: unknown, teller: Teller): void {
    this.#asked.set(key, { key, value, teller });
  }

  settings(): Setting[] {
    return [...this.#asked.values()];
  }

  has(key: string): boolean {
    return this.#layers.some(({ keys }) => keys[key] !== undefined && keys[key] !== null);
  }

  /** The first value that is told, and where; compared with what the model's own file says. */
  find(key: string): { value: unknown; layer: Layer } | undefined {
    const found = this.#layers.filter(({ keys }) => keys[key] !== undefined && keys[key] !== null);
    const [first, ...others] = found;
    if (first === undefined) return undefined;
    const value = first.keys[key];
    for (const other of others)
      if (contradicts(first.teller, other.teller) && !isSame(value, other.keys[key]))
        throw conflict(
          `${key} is ${shown(value)} in ${first.place}, but ${shown(other.keys[key])} in ${other.place}. ` +
            (other.teller === "graph"
              ? "Correct the configuration."
              : `Correct the one that is wrong, or decide with openModel({ config: { ... } }).`),
          { path: this.modelPath, got: [value, other.keys[key]] },
        );
    this.note(key, value, first.teller);
    return { value, layer: first };
  }

  number(key: string, kind: Kind, isNeeded = false): number | undefined {
    const found = this.find(key);
    if (found !== undefined) return checked(key, found.value, found.layer.place, kind) as number;
    if (!isNeeded) return undefined;
    const [low, high] = kind.range!;
    const place = this.#layers.find(({ teller }) => teller === "configuration")?.place || this.modelPath;
    throw invalid(`${place} has no ${key}. It must be a whole number from ${low} to ${high}.`, {
      path: place,
      got: null,
    });
  }

  word<Word>(key: string, kind: { choices: readonly Word[] }): Word | undefined {
    const found = this.find(key);
    return found === undefined ? undefined : (checked(key, found.value, found.layer.place, kind) as Word);
  }

  text(key: string, fallback: string): string {
    const found = this.find(key);
    if (found === undefined) return fallback;
    const { value, layer } = found;
    if (typeof value === "string" && value.length <= longestText) return value;
    throw invalid(
      `${key} in ${layer.place} must be text of at most ${longestText} characters, not ${shown(value)}.`,
      { path: layer.place, got: value },
    );
  }

  /** An object, whose values are checked one by one. */
  object(
    key: string,
    what: string,
    isRight: (value: unknown) => boolean,
    names?: readonly string[],
  ): JsonObject | undefined {
    const found = this.find(key);
    if (found === undefined) return undefined;
    const own = isObject(found.value) ? ownKeys(found.value) : {};
    const { place } = found.layer;
    for (const name of Object.keys(own))
      if (names?.includes(name) === false)
        throw unknown(`${key}.${name} in ${place} is not known.${meant(name, names)} It must ${what}.`, {
          path: place,
          got: name,
        });
    for (const name of isObject(found.value) ? (names ?? []) : [])
      if (own[name] === undefined)
        throw invalid(`${key} in ${place} has no ${name}. It must ${what}.`, {
          path: place,
          got: found.value,
        });
    if (isObject(found.value) && Object.values(own).every(isRight)) return own;
    throw invalid(`${key} in ${found.layer.place} must ${what}, not ${shown(found.value)}.`, {
      path: found.layer.place,
      got: found.value,
    });
  }

  frontend(): FbankOptions {
    return Object.fromEntries(
      Object.entries(frontendKeys).flatMap(([key, kind]) => {
        const found = this.find(`frontend.${key}`);
        return found === undefined
          ? []
          : [[kind.name, checked(`frontend.${key}`, found.value, found.layer.place, kind as Kind)]];
      }),
    );
  }
}

/** An option replaces what files say, and a family's habit is no statement; but nothing replaces the shapes of a graph. */
const contradicts = (first: Teller, other: Teller): boolean =>
  first !== "default" &&
  first !== "family" &&
  (other === "graph" || (first === "configuration" && other === "metadata"));

/** What was probably meant by a word, as a sentence; nothing where nothing is near. */
function meant(word: unknown, choices: readonly unknown[]): string {
  const name =
    typeof word === "string"
      ? nearestName(
          word,
          choices.filter((one) => typeof one === "string"),
        )
      : undefined;
  return name === undefined ? "" : ` Did you mean ${name}?`;
}

const isSame = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

function checked(key: string, value: unknown, place: string, kind: Kind): unknown {
  if (kind.range !== undefined) {
    const [low, high] = kind.range;
    if (
      typeof value === "number" &&
      value >= low &&
      value <= high &&
      (!kind.isWhole || Number.isInteger(value))
    )
      return value;
    throw invalid(
      `${key} in ${place} is ${shown(value)}. It must be ${kind.isWhole ? "a whole number" : "a number"} from ${low} to ${high}.`,
      { path: place, got: value ?? null },
    );
  }
  const choices = kind.choices ?? [true, false];
  if (choices.includes(value)) return value;
  throw invalid(
    `${key} in ${place} is ${shown(value)}.${meant(value, choices)} It must be ${choices.join(", ")}.`,
    {
      path: place,
      got: value,
    },
  );
}

interface Tensors {
  input: string;
  output: string;
  layout: Layout;
}

/** The names of the tensors, and how the input lies: as it is told, as the family has it, as the shape shows it. */
function tensorsOf(told: Told, graph: OnnxModel | undefined, family: Family): Tensors {
  const own = familyAdapters[family];
  const ofFamily = (key: "input" | "output", values: OnnxModel["inputs"] = []) => {
    const name = own[key].find((known) => values.some((value) => value.name === known));
    if (!told.has(key) && name !== undefined) told.note(key, name, "family");
    return name ?? "";
  };
  const extra = told.find("extra_inputs")?.value;
  const features = (graph?.inputs ?? []).filter(
    ({ name }) => !(isObject(extra) && Object.hasOwn(extra, name)),
  );
  const input = told.text("input", ofFamily("input", features));
  const output = told.text("output", ofFamily("output", graph?.outputs));
  const shape = (features.find(({ name }) => name === input) ?? features[0])?.shape;
  const byShape: Layout =
    shape?.length === 2 ? "waveform" : isFixed(shape, -2) && !isFixed(shape, -1) ? "BFT" : "BTF";
  const isTold = told.has("layout");
  const layout = told.word("layout", words.layout) ?? byShape;
  if (!isTold && graph !== undefined) told.note("layout", layout, "graph");
  return { input, output, layout };
}

const isFixed = (shape: OnnxModel["inputs"][number]["shape"], axis: number): boolean => {
  const size = shape?.at(axis);
  return typeof size === "number" && size > 1;
};

/** The sizes that the graph gives. */
function shapesOf(graph: OnnxModel | undefined, { input, output, layout }: Tensors): JsonObject {
  const only = <Value>(values: readonly Value[] = []) => (values.length === 1 ? values[0] : undefined);
  const fed = graph?.inputs.find(({ name }) => name === input) ?? only(graph?.inputs);
  const given = graph?.outputs.find(({ name }) => name === output) ?? only(graph?.outputs);
  const last = given?.shape?.at(-1);
  return {
    fbank_dim: featureSize(fed?.shape, layout),
    embedding_size: typeof last === "number" && last > 0 ? last : undefined,
  };
}

const fedAs: readonly unknown[] = ["frames", "share", "samples", "mask"] satisfies ExtraInput[];

function extraInputs(told: Told, graph: OnnxModel | undefined): ModelConfig["extraInputs"] {
  const given = told.object(
    "extra_inputs",
    "say for each input what it is fed, frames, share, samples or mask",
    (value) => fedAs.includes(value),
  ) as Record<string, ExtraInput> | undefined;
  const isFamilys = told.settings().some(({ key, teller }) => key === "extra_inputs" && teller === "family");
  // A family's export may well lack them.
  return Object.fromEntries(
    Object.entries(given ?? {}).filter(
      ([name]) => !isFamilys || graph === undefined || graph.inputs.some((input) => input.name === name),
    ),
  );
}

function partials(told: Told): ModelConfig["partials"] {
  const kinds = {
    frames: { range: [1, 100_000], isWhole: true },
    step: { range: [1, 100_000], isWhole: true },
    min_coverage: { range: [0, 1] },
  } as const satisfies Record<string, Kind>;
  const what = "have frames, step and min_coverage, which are numbers";
  const keys = told.object("partials", what, (value) => typeof value === "number", Object.keys(kinds));
  if (keys === undefined) return undefined;
  const place = told.find("partials")!.layer.place;
  const number = (key: keyof typeof kinds) =>
    checked(`partials.${key}`, keys[key], place, kinds[key]) as number;
  return { frames: number("frames"), step: number("step"), minCoverage: number("min_coverage") };
}

function golden(told: Told): ModelConfig["golden"] {
  const what = "name audio and embedding, two files beside the configuration";
  const keys = told.object("golden", what, isName, ["audio", "embedding"]);
  return keys as ModelConfig["golden"];
}

const isName = (value: unknown) => typeof value === "string" && value !== "" && value.length <= longestText;

const variants = (told: Told): ModelConfig["variants"] =>
  (told.object("variants", "name a file for each precision", isName) ?? {}) as Record<string, string>;

function findConfig(modelPath: string): string | undefined {
  return candidates(modelPath).find((path) => existsSync(path));
}

function candidates(modelPath: string): string[] {
  const stem = modelPath.slice(0, modelPath.length - extname(modelPath).length);
  return [`${stem}.yaml`, `${stem}.yml`, `${stem}.json`, join(dirname(modelPath), "config.yaml")];
}

function noConfig(modelPath: string): Error {
  const path = candidates(modelPath)[0]!;
  return missing(
    `The model ${modelPath} has no configuration beside it, and its file does not say what it is fed. Write ${path}, such as ` +
      `"sample_rate: 16000\\nfbank_dim: 80\\nembedding_size: 192", or name one with --config_file; docs/models.md has one for each family.`,
    { path },
  );
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
      { path, got: frameShiftMs },
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
