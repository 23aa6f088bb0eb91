import { createHash, type Hash } from "node:crypto";
import { existsSync, readFileSync, readSync } from "node:fs";
import { dirname, isAbsolute, join, normalize, sep } from "node:path";
import { invalid, missing, reasonOf, shown, unsupported } from "../errors.js";
import { isRuntimeFormat, type OnnxModel, readOnnx } from "../format/onnx.js";
import type { JsonObject } from "../format/read-json.js";
import type { ModelConfig } from "../models/adapter.js";
import { type UnderstoodModel, understandModel } from "../models/model-config.js";
import { openSession } from "../runtime/session.js";
import type { Matrix } from "../types.js";
import { packageRoot } from "../util/package-root.js";
import { readAt } from "../util/read-at.js";
import { statsOf } from "../util/stats-of.js";
import { withFile } from "../util/with-file.js";
import { checkGolden, isGoldenChecked } from "./check-golden.js";
import { mergedKeys } from "./fit-front-end.js";
import { type FrontEnd, type FrontEndSettings, openFrontEnd } from "./front-end.js";
import { runGraph } from "./run-graph.js";
import { showModel } from "./show-model.js";

const bundled = (folder: string, file: string) => join(packageRoot, "data", "models", folder, file);

/** The models that come with the package, by the names under which they can be opened. */
export const bundledModels: Readonly<Record<"campplus" | "ge2e", string>> = {
  campplus: bundled("campplus", "campplus-zh-en-192.onnx"),
  ge2e: bundled("ge2e", "ge2e.onnx"),
};

/** The model that is used where none is named: CAM++ zh-en, 192-d. */
export const bundledModel: string = bundledModels.campplus;

/** The path of a model: of a bundled one where there is a name instead of a file. */
export const modelFile = (modelPath: string = bundledModel): string =>
  Object.hasOwn(bundledModels, modelPath) && !existsSync(modelPath)
    ? bundledModels[modelPath as keyof typeof bundledModels]
    : modelPath;

export interface ModelOptions {
  /** Path of an .onnx file, or `campplus` or `ge2e`, which are bundled; CAM++ by default. */
  modelPath?: string;
  /** Path of its configuration; by default the one beside the model. */
  configFile?: string;
  /** Keys of a configuration, as in the file, that count more than what any file says: `{ family: "wespeaker" }`. */
  config?: JsonObject;
  /** `cpu` (the default), `cuda:0`, `webgpu`, ... or `auto`: the first GPU, else the CPU. */
  device?: string;
  /** Threads of one operator on the CPU; 1 by default. */
  threads?: number;
  /** `fp32` (the default), or a precision that the configuration lists under `variants`. */
  precision?: string;
  /**
   * Cut features down to a multiple of this many frames; 1 (nothing is cut) by default. Frame counts then repeat, so that
   * utterances share batches on a GPU. It changes embeddings, so it is part of the identity.
   */
  bucket?: number;
}

/** What tells one way of making embeddings from another: only equal ones may be mixed. */
export interface ModelIdentity {
  name: string;
  /** SHA-256 of the graph's file and of what it keeps in files beside it, hexadecimal. */
  sha256: string;
  precision: string;
  dimension: number;
  frontend: ModelConfig["frontend"];
  /** Only where features were cut down to a multiple of so many frames. */
  bucket?: number;
  /** How the graph is fed and read, as far as that is not one input (batch, frames, features) and one output. */
  adapter?: Partial<
    Pick<ModelConfig, "layout" | "extraInputs" | "partials" | "frameMultiple" | "maxSeconds" | "output">
  >;
}

/** A speaker model with its front end, ready on a device. */
export interface Model extends FrontEnd {
  readonly path: string;
  readonly device: string;
  readonly identity: ModelIdentity;
  /** Length of an embedding. */
  readonly dimension: number;
  /** What to open the same front end in another thread with. */
  readonly frontEnd: FrontEndSettings;
  /** Mean cosine from which two groups of turns are one voice, where the configuration says so. */
  readonly voiceThreshold: number | undefined;
  /** Embeddings of features that all have the same number of frames: Float32Array (dimension) each, not normalised. */
  run(features: readonly Matrix[]): Promise<Float32Array[]>;
  close(): Promise<void>;
}

/**
 * Opens a speaker model and its front end on a device.
 *
 * What is not told of the model is understood from its own file (`inspectModel` shows it). Where the configuration names a
 * golden vector, it is checked once: what passed is remembered on this machine until the model, its configuration, or one
 * of the golden files changes.
 *
 * @throws `missing` when the file, its weights or the device are not there, `unsupported` for a PyTorch checkpoint (with
 * the way to export it) and for inputs and outputs that are not float32, `conflict` with both values when graph, metadata and
 * configuration contradict each other, `invalid` when weights lie outside of the model's folder, or when the model does not
 * give its golden vector (naming the front end that would)
 *
 * @example
 * const model = await openModel()
 */
export async function openModel(options: ModelOptions = {}): Promise<Model> {
  const { device = "cpu", threads = 1, bucket = 1 } = options;
  const { path, config, configPath, identity } = identifyModel(options);
  const session = await openSession(path, { device, threads });
  try {
    const run = runGraph(session, config, path);
    if (config.golden !== undefined && identity.precision !== "fp32") await checkGoldenOnce(options);
    else if (!isGoldenChecked({ path, config, configPath, identity }))
      await checkGolden(
        session,
        { path, config, configPath, identity },
        (changes) => identifyModel({ ...options, config: mergedKeys(options.config, changes) }).config,
      );
    const { frontend: fbank, minFrames, partials, maxSeconds, dimension, voiceThreshold } = config;
    const frontEnd = { fbank, minFrames, bucket, partials, maxSeconds };
    const model = {
      path,
      device: session.device,
      identity,
      dimension,
      frontEnd,
      voiceThreshold,
      ...openFrontEnd(frontEnd),
      run,
      close: () => session.close(),
    };
    return showModel(model, config, () => true);
  } catch (error) {
    await session.close();
    throw error;
  }
}

/**
 * Sees to it that a model gives its golden vector, where it has one and that is not known yet.
 *
 * The vector is the original's, so the graph of full precision is the one that is checked: with fewer bits an embedding
 * comes less near to it, whatever the front end.
 */
async function checkGoldenOnce(options: ModelOptions): Promise<void> {
  if (!isModelChecked(options)) await (await openModel({ ...original(options), device: "cpu" })).close();
}

/** Whether a model gave its golden vector before, or has none. */
export const isModelChecked = (options: ModelOptions): boolean =>
  isGoldenChecked(identifyModel(original(options)));

const original = (options: ModelOptions): ModelOptions => ({ ...options, precision: "fp32", bucket: 1 });

/** A model's file, what is known of it, and what tells it from others. */
export interface IdentifiedModel extends UnderstoodModel {
  path: string;
  /** What the file says of itself; undefined for ONNX Runtime's own format. */
  graph: OnnxModel | undefined;
  identity: ModelIdentity;
}

/** Finds a model's file and configuration and what they are, without opening the graph. */
export function identifyModel(options: ModelOptions = {}): IdentifiedModel {
  const { configFile, precision = "fp32", bucket = 1 } = options;
  if (!(Number.isInteger(bucket) && bucket > 0))
    throw invalid(`The bucket is ${bucket}. It must be a positive whole number of frames.`, { got: bucket });
  const modelPath = modelFile(options.modelPath);
  checkKind(modelPath);
  const main = readModel(modelPath);
  const understood = understandModel(modelPath, { configFile, config: options.config, graph: main.graph });
  const { config } = understood;
  const path = precision === "fp32" ? modelPath : variant(config, precision, modelPath);
  const { graph, sha256 } = path === modelPath ? main : readModel(path);
  const adapter = adapterOf(config, graph);
  return {
    path,
    graph,
    ...understood,
    identity: {
      name: config.name,
      sha256: sha256(),
      precision,
      dimension: config.dimension,
      frontend: config.frontend,
      ...(bucket > 1 ? { bucket } : {}),
      ...(adapter === undefined ? {} : { adapter }),
    },
  };
}

/** What is not as in models that take features as (batch, frames, features) and give an embedding alone. */
function adapterOf(config: ModelConfig, graph: OnnxModel | undefined): ModelIdentity["adapter"] {
  const { layout, extraInputs, partials, frameMultiple, maxSeconds, output } = config;
  const adapter = {
    ...(layout === "BTF" ? {} : { layout }),
    ...(Object.keys(extraInputs).length === 0 ? {} : { extraInputs }),
    ...(partials === undefined ? {} : { partials }),
    ...(frameMultiple === 1 ? {} : { frameMultiple }),
    ...(maxSeconds === undefined ? {} : { maxSeconds }),
    ...((graph?.outputs.length ?? 1) === 1 ? {} : { output }),
  };
  return Object.keys(adapter).length === 0 ? undefined : adapter;
}

/** What a model's file says, and how to hash it. */
function readModel(path: string): { graph: OnnxModel | undefined; sha256(): string } {
  const bytes = readFileSync(path);
  const graph = readGraph(bytes, path);
  return { graph, sha256: () => fingerprint(bytes, graph, path) };
}

/** SHA-256 of the graph's file and of the files beside it that hold its weights. */
function fingerprint(bytes: Uint8Array, graph: OnnxModel | undefined, path: string): string {
  const hash = createHash("sha256").update(bytes);
  for (const location of externalData(graph, path)) {
    hash.update(`\0${location}\0`);
    addFile(hash, join(dirname(path), location));
  }
  return hash.digest("hex");
}

function readGraph(bytes: Uint8Array, path: string): OnnxModel | undefined {
  if (isRuntimeFormat(bytes)) return undefined;
  try {
    return readOnnx(bytes);
  } catch (cause) {
    throw invalid(`The model ${path} is no ONNX graph (${reasonOf(cause)}).`, { path, cause });
  }
}

/** Where a model's weights lie, below its folder: a model from elsewhere must not read other files of this machine. */
function externalData(graph: OnnxModel | undefined, path: string): string[] {
  const locations = [...new Set(graph?.externalData.map(({ location }) => location))].sort();
  for (const location of locations) {
    const way = normalize(location);
    if (
      location === "" ||
      isAbsolute(location) ||
      /^\.\.?\/?$/.test(way) ||
      way.startsWith(`..${sep}`) ||
      /[\\\0]/.test(location)
    )
      throw invalid(
        `The model ${path} keeps weights in ${JSON.stringify(location)}, outside of its own folder. ` +
          "Move that file beside the model, and save the model with its name alone.",
        { got: location, path },
      );
    const file = join(dirname(path), location);
    if (!statsOf(file)?.isFile())
      throw missing(
        `The weights of the model ${path} are missing: it keeps them in ${file}. Put that file there.`,
        { path: file },
      );
  }
  return locations;
}

/** Adds a file of any size, a piece at a time. */
function addFile(hash: Hash, path: string): void {
  const piece = Buffer.allocUnsafe(1 << 20);
  withFile(path, (file) => {
    for (let size = readSync(file, piece); size > 0; size = readSync(file, piece))
      hash.update(piece.subarray(0, size));
  });
}

function variant(config: ModelConfig, precision: string, modelPath: string): string {
  const file = config.variants[precision];
  if (file === undefined)
    throw missing(
      `The model ${modelPath} has no precision ${shown(precision)}. It has ${["fp32", ...Object.keys(config.variants)].join(" and ")}.`,
      { path: modelPath, got: precision },
    );
  const path = join(dirname(modelPath), file);
  checkKind(path);
  return path;
}

function checkKind(path: string): void {
  const stats = statsOf(path);
  if (stats === undefined) throw missing(`The model ${path} does not exist. Give an .onnx file.`, { path });
  if (stats.isDirectory()) throw invalid(`The model ${path} is a folder. Give an .onnx file.`, { path });
  const head = withFile(path, (file) => readAt(file, 0, 4));
  // Checkpoints are zip files (since PyTorch 1.6) or pickles.
  const isZip = head.toString("latin1") === "PK\u0003\u0004";
  if (/\.(ckpt|pt|pth|bin|safetensors)$/i.test(path) || isZip || head[0] === 0x80)
    throw unsupported(
      `The model ${path} is a PyTorch checkpoint, not an ONNX graph. Export it once in Python with torch.onnx.export (input ` +
        "(batch, frames, mel bins), dynamic axes 0 and 1), as data/models/campplus/export/export_campplus.py does.",
      { path },
    );
}
