import { readFileSync } from "node:fs";
import type { InferenceSession, Tensor } from "onnxruntime-node";
import { invalid, missing, shown, unsupported } from "../errors.js";
import { isRuntimeFormat, readOnnx } from "../format/onnx.js";
import { withoutConvolutions } from "../format/without-convolutions.js";
import { cudaProblem, cudaSetUp, missingCudaLibraries, prepareCuda } from "./cuda.js";
import { gpuIndices } from "./gpus.js";
import { onnxRuntime } from "./onnx-runtime.js";
import { nativeCall } from "./threads.js";

/** A float32 array with its shape, as sessions take and give it. */
export interface FloatTensor {
  data: Float32Array;
  shape: readonly number[];
}

/** What sessions take besides: counts and masks. */
export interface InputTensor {
  data: Float32Array | BigInt64Array | Int32Array;
  shape: readonly number[];
}

export interface SessionOptions {
  /** `cpu` (the default), `cuda:0`, `webgpu`, `coreml`, `dml`, ... or `auto`: the first GPU that can be used, else the CPU. */
  device?: string;
  /** Threads of one operator on the CPU; 1 by default. */
  threads?: number;
}

/** A graph that is ready to run on a device. */
export interface Session {
  device: string;
  inputs: readonly TensorInfo[];
  outputs: readonly TensorInfo[];
  /** @param outputs the names of those that are needed, all by default; or where they are written, instead of into new memory */
  run(
    inputs: Record<string, InputTensor>,
    outputs?: readonly string[] | Record<string, FloatTensor>,
  ): Promise<Record<string, FloatTensor>>;
  close(): Promise<void>;
}

export interface TensorInfo {
  name: string;
  type: string;
  /** A string is a free dimension. */
  shape: readonly (number | string)[];
}

/**
 * Opens an ONNX graph on a device.
 *
 * A missing device is an error that lists the available ones. There is no silent fallback to the CPU.
 *
 * @param model path of an .onnx file, or its bytes
 */
export const openSession = (model: string | Uint8Array, options: SessionOptions = {}): Promise<Session> =>
  nativeCall(() => open(model, options));

async function open(model: string | Uint8Array, options: SessionOptions): Promise<Session> {
  const { threads = 1 } = options;
  const ort = onnxRuntime();
  const device = resolveDevice(options.device ?? "cpu");
  if (nameOf(device) === "cuda") prepareCuda(device);
  const subject = typeof model === "string" ? model : "the graph";
  let session: InferenceSession;
  try {
    const graph = nameOf(device) === "cuda" ? forCuda(model) : model;
    session = await ort.InferenceSession.create(graph as string, {
      executionProviders: [executionProvider(device)],
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      logSeverityLevel: 3,
      // A spinning thread burns the core that another rank needs: 2 sessions on 2 cores 55 ms without, 102 ms with.
      extra: { session: { intra_op: { allow_spinning: "0" }, inter_op: { allow_spinning: "0" } } },
    });
  } catch (cause) {
    if (nameOf(device) === "webgpu" && /adapter/i.test(firstLine(cause)))
      throw missing(
        `No GPU was found for ${device}. Install a Vulkan driver (vulkaninfo shows it), or use --device cpu; see docs/gpu.md.`,
        { got: device, cause },
      );
    const libraries = nameOf(device) === "cuda" ? missingCudaLibraries() : [];
    if (libraries.length > 0)
      throw missing(
        `${libraries.join(", ")} cannot be loaded, which ${device} needs. Install NVIDIA's driver and run ${cudaSetUp}; see docs/gpu.md.`,
        { got: device, cause },
      );
    throw invalid(
      `ONNX Runtime ${ort.env.versions.node ?? ""} cannot open ${subject} on device ${device}: ${firstLine(cause)}`,
      { got: device, cause },
    );
  }
  return {
    device,
    inputs: session.inputMetadata.map(tensorInfo),
    outputs: session.outputMetadata.map(tensorInfo),
    async run(inputs, wanted) {
      const tensors = (values: Record<string, InputTensor>) =>
        Object.fromEntries(
          Object.entries(values).map(([name, { data, shape }]): [string, Tensor] => [
            name,
            new ort.Tensor(typeOf(data), data as Float32Array, shape as number[]),
          ]),
        );
      const fetches = Array.isArray(wanted) ? wanted : tensors((wanted ?? {}) as Record<string, FloatTensor>);
      const results = await nativeCall(() =>
        wanted === undefined ? session.run(tensors(inputs)) : session.run(tensors(inputs), fetches),
      );
      const outputs: Record<string, FloatTensor> = {};
      for (const [name, { data, dims, type }] of Object.entries(results)) {
        if (!(data instanceof Float32Array)) throw notFloat32(subject, name, type);
        outputs[name] = { data, shape: dims };
      }
      return outputs;
    },
    close: () => nativeCall(() => session.release()),
  };
}

/** The graph without what is slow on CUDA; as it is where its weights lie in other files, which must be found by its path. */
function forCuda(model: string | Uint8Array): string | Uint8Array {
  const bytes = typeof model === "string" ? readFileSync(model) : model;
  if (isRuntimeFormat(bytes) || readOnnx(bytes).externalData.length > 0) return model;
  return withoutConvolutions(bytes) ?? model;
}

const typeOf = (data: InputTensor["data"]) =>
  data instanceof Float32Array ? "float32" : data instanceof Int32Array ? "int32" : "int64";

/** The devices that this build of ONNX Runtime knows (whether the hardware is there shows when a session opens). */
export function devices(): string[] {
  return onnxRuntime()
    .listSupportedBackends()
    .map(({ name }) => name)
    .sort((a, b) => rank(a) - rank(b));
}

const preference = ["cuda", "coreml", "dml", "cpu", "webgpu"];
const rank = (name: string) => (preference.includes(name) ? preference.indexOf(name) : preference.length);

const nameOf = (device: string) => device.split(":")[0]!;

/** The GPUs that sessions can run on: none where ONNX Runtime's CUDA provider is missing. */
export function usableGpus(): number[] {
  return devices().includes("cuda") && cudaProblem() === undefined ? gpuIndices() : [];
}

function resolveDevice(device: string): string {
  if (device === "auto") return usableGpus().length > 0 ? "cuda:0" : "cpu";
  const [name, index] = device.split(":");
  if (name === "gpu") return resolveDevice(`cuda:${index ?? 0}`);
  if (index !== undefined && !/^\d+$/.test(index))
    throw invalid(`The device ${shown(device)} has no number after its colon. Give one, as in cuda:0.`, {
      got: device,
    });
  const known = devices();
  if (!known.includes(name!))
    throw missing(
      `There is no device ${shown(device)}. This ONNX Runtime was built with ${known.join(", ")}.`,
      { got: device },
    );
  return device;
}

function executionProvider(device: string): InferenceSession.ExecutionProviderConfig {
  const [name, index] = device.split(":");
  if (index === undefined) return name!;
  // The type lists deviceId for cuda, dml and tensorrt alone; ONNX Runtime reads it from any provider.
  return { name: name!, deviceId: Number(index) } as InferenceSession.ExecutionProviderConfig;
}

function tensorInfo(metadata: InferenceSession.ValueMetadata): TensorInfo {
  if (!metadata.isTensor) throw unsupported(`${metadata.name} of the graph is not a tensor.`);
  return { name: metadata.name, type: metadata.type, shape: metadata.shape };
}

/** The error for float16, float64 and other types, whose bytes must not be read as float32. */
export function notFloat32(subject: string, name: string, type: string): Error {
  return unsupported(
    `The graph value "${name}" of ${subject} is ${type}, but only float32 can be used. Convert it with a Cast node to float32.`,
    { got: type },
  );
}

const firstLine = (error: unknown) =>
  (error instanceof Error ? error.message : String(error)).split("\n")[0]!.slice(0, 300);
