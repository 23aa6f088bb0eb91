import { createHash, type Hash } from "node:crypto";
import { closeSync, openSync, readFileSync, readSync, statSync } from "node:fs";
import { dirname, isAbsolute, join, normalize, sep } from "node:path";
import { invalid, missing, reasonOf, shown, unsupported } from "../errors.js";
import { readOnnx } from "../format/onnx.js";
import { notFloat32, openSession, type TensorInfo } from "../runtime/session.js";
import type { Matrix } from "../types.js";
import { packageRoot } from "../util/package-root.js";
import { type FrontEnd, type FrontEndSettings, openFrontEnd } from "./front-end.js";
import { type ModelConfig, readModelConfig } from "./model-config.js";

/** The model that comes with the package: CAM++ zh-en, 192-d. */
export const bundledModel: string = join(
  packageRoot,
  "data",
  "models",
  "campplus",
  "campplus-zh-en-192.onnx",
);

export interface ModelOptions {
  /** Path of an .onnx file; the bundled CAM++ by default. */
  modelPath?: string;
  /** Path of its configuration; by default the one beside the model. */
  configFile?: string;
  /** `cpu` (the default), `cuda:0`, `webgpu`, ... or `auto`: the first GPU, else the CPU. */
  device?: string;
  /** Threads of one operator on the CPU; 1 by default. */
  threads?: number;
  /** `fp32` (the default), or a precision that the configuration lists under `variants`. */
  precision?: string;
  /**
   * Cut features down to a multiple of this many frames; 1 (nothing is cut) by default. Frame counts then repeat, which
   * helps a GPU that plans for each. It changes embeddings, so it is part of the identity.
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
  /** Embeddings of features that all have the same number of frames: Float32Array (dimension) each, not normalised. */
  run(features: readonly Matrix[]): Promise<Float32Array[]>;
  close(): Promise<void>;
}

/**
 * Opens a speaker model and its front end on a device.
 *
 * @throws `missing` when the file, its weights or the device are not there, `unsupported` for a PyTorch checkpoint (with
 * the way to export it) and for inputs and outputs that are not float32, `invalid` with both numbers when graph and
 * configuration contradict each other, or when weights lie outside of the model's folder
 *
 * @example
 * const model = await openModel()
 */
export async function openModel(options: ModelOptions = {}): Promise<Model> {
  const { device = "cpu", threads = 1, bucket = 1 } = options;
  const { path, config, identity } = identifyModel(options);
  const session = await openSession(path, { device, threads });
  try {
    const input = pick(session.inputs, config.input, "input", path);
    const output = pick(session.outputs, config.output, "output", path);
    for (const { name, type } of [input, output]) if (type !== "float32") throw notFloat32(path, name, type);
    agree("fbank_dim", config.frontend.numMelBins, input, path);
    agree("embedding_size", config.dimension, output, path);
    const frontEnd = { fbank: config.frontend, minFrames: config.minFrames, bucket };
    return {
      path,
      device: session.device,
      identity,
      dimension: config.dimension,
      frontEnd,
      ...openFrontEnd(frontEnd),
      async run(features) {
        const { rows, columns } = features[0]!;
        const results = await session.run({
          [input.name]: { data: stack(features), shape: [features.length, rows, columns] },
        });
        const { data } = results[output.name]!;
        if (data.length !== features.length * config.dimension)
          throw invalid(
            `embedding_size in the configuration of ${path} is ${config.dimension}, but the graph gives ${data.length / features.length} numbers. Correct the configuration.`,
            { path, got: config.dimension },
          );
        return features.map((_, index) =>
          data.slice(index * config.dimension, (index + 1) * config.dimension),
        );
      },
      close: () => session.close(),
    };
  } catch (error) {
    await session.close();
    throw error;
  }
}

/** Finds a model's file and configuration and what they are, without opening the graph. */
export function identifyModel(options: ModelOptions = {}): {
  path: string;
  config: ModelConfig;
  identity: ModelIdentity;
} {
  const { modelPath = bundledModel, configFile, precision = "fp32", bucket = 1 } = options;
  if (!(Number.isInteger(bucket) && bucket > 0))
    throw invalid(`The bucket is ${bucket}. It must be a positive whole number of frames.`, { got: bucket });
  checkKind(modelPath);
  const config = readModelConfig(modelPath, configFile);
  const path = precision === "fp32" ? modelPath : variant(config, precision, modelPath);
  return {
    path,
    config,
    identity: {
      name: config.name,
      sha256: fingerprint(path),
      precision,
      dimension: config.dimension,
      frontend: config.frontend,
      ...(bucket > 1 ? { bucket } : {}),
    },
  };
}

/** SHA-256 of the graph's file and of the files beside it that hold its weights. */
function fingerprint(path: string): string {
  const graph = readFileSync(path);
  const hash = createHash("sha256").update(graph);
  for (const location of externalData(graph, path)) {
    hash.update(`\0${location}\0`);
    addFile(hash, join(dirname(path), location));
  }
  return hash.digest("hex");
}

/** Where a model's weights lie, below its folder: a model from elsewhere must not read other files of this machine. */
function externalData(graph: Uint8Array, path: string): string[] {
  // ONNX Runtime's own format, which has no such files.
  if (Buffer.from(graph.subarray(4, 8)).toString("latin1") === "ORTM") return [];
  let locations: string[];
  try {
    locations = [...new Set(readOnnx(graph).externalData.map(({ location }) => location))].sort();
  } catch (cause) {
    throw invalid(`The model ${path} is no ONNX graph (${reasonOf(cause)}).`, { path, cause });
  }
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
    if (!statSync(file, { throwIfNoEntry: false })?.isFile())
      throw missing(
        `The weights of the model ${path} are missing: it keeps them in ${file}. Put that file there.`,
        { path: file },
      );
  }
  return locations;
}

/** Adds a file of any size, a piece at a time. */
function addFile(hash: Hash, path: string): void {
  const file = openSync(path, "r");
  try {
    const piece = Buffer.allocUnsafe(1 << 20);
    for (let size = readSync(file, piece); size > 0; size = readSync(file, piece))
      hash.update(piece.subarray(0, size));
  } finally {
    closeSync(file);
  }
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
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) throw missing(`The model ${path} does not exist. Give an .onnx file.`, { path });
  if (stats.isDirectory()) throw invalid(`The model ${path} is a folder. Give an .onnx file.`, { path });
  const head = Buffer.alloc(4);
  const file = openSync(path, "r");
  readSync(file, head, 0, 4, 0);
  closeSync(file);
  // Checkpoints are zip files (since PyTorch 1.6) or pickles.
  const isZip = head.toString("latin1") === "PK\u0003\u0004";
  if (/\.(ckpt|pt|pth|bin|safetensors)$/i.test(path) || isZip || head[0] === 0x80)
    throw unsupported(
      `The model ${path} is a PyTorch checkpoint, not an ONNX graph. Export it once in Python with torch.onnx.export (input ` +
        "(batch, frames, mel bins), dynamic axes 0 and 1), as data/models/campplus/export/export_campplus.py does.",
      { path },
    );
}

/** The graph's value of that name, or its only one when no name was given. */
function pick(values: readonly TensorInfo[], name: string, kind: string, path: string): TensorInfo {
  const found = name === "" && values.length === 1 ? values[0] : values.find((value) => value.name === name);
  if (found !== undefined) return found;
  throw invalid(
    `The graph of ${path} has no ${kind} ${shown(name)}. Give its name in the configuration: ${values.map((value) => value.name).join(" or ")}.`,
    { path, got: name },
  );
}

/** The last axis must be as long as the configuration says; a free one is checked when the model runs. */
function agree(key: string, configured: number, { name, shape }: TensorInfo, path: string): void {
  const last = shape.at(-1);
  if (typeof last === "number" && last > 0 && last !== configured)
    throw invalid(
      `${key} in the configuration of ${path} is ${configured}, but the last axis of "${name}" in the graph has ${last}. Correct the configuration.`,
      { path, got: configured },
    );
}

function stack(features: readonly Matrix[]): Float32Array {
  if (features.length === 1) return features[0]!.data;
  const size = features[0]!.rows * features[0]!.columns;
  const data = new Float32Array(size * features.length);
  features.forEach((matrix, index) => {
    if (matrix.data.length !== size)
      throw invalid(
        `A batch holds signals of ${features[0]!.rows} and of ${matrix.rows} frames. All of them must have as many.`,
        { got: matrix.rows },
      );
    data.set(matrix.data, index * size);
  });
  return data;
}
