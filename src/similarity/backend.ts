import { availableParallelism } from "node:os";
import { reasonOf, unknown, unsupported } from "../errors.js";
import { gpuIndices } from "../runtime/gpus.js";
import { type Tensorflow, tensorflow } from "../runtime/tensorflow.js";

/** What similarity can run on. */
export const backendNames = ["onnx", "tensorflow"] as const;
export type BackendName = (typeof backendNames)[number];

/** What similarity runs on. */
export interface Backend {
  name: BackendName;
  /** The loaded TensorFlow; absent for `onnx`. */
  tensorflow?: Tensorflow;
  /** For the user: what similarity runs on and, where a GPU stays unused, why. */
  line: string;
}

let fastest: Promise<Backend> | undefined;

/**
 * The backend to compute with: `tensorflow` (through tfjs, where set-up built its addon) on a GPU, else `onnx` (ONNX
 * Runtime in a worker for every core), which is the faster one on CPUs (docs/scaling.md); chosen once a process.
 *
 * @param name forces one; by default the fastest
 * @throws `unknown` for any other name, `unsupported` when TensorFlow is asked for and cannot be loaded
 *
 * @example
 * console.log((await backend()).line)
 */
export async function backend(name?: string): Promise<Backend> {
  if (name === undefined) {
    fastest ??= chooseFastest();
    return fastest;
  }
  if (name === "onnx") return onnx;
  if (name !== "tensorflow")
    throw unknown(
      `There is no similarity backend "${name}". Use ${backendNames.join(" or ")}, or leave it out for the fastest.`,
      { got: name },
    );
  try {
    return onTensorflow(await tensorflow());
  } catch (cause) {
    throw unsupported(
      `TensorFlow cannot be loaded (${firstLine(cause)}). Run npm run setup to build it, or use the backend onnx.`,
      { got: name, cause },
    );
  }
}

const onnx: Backend = {
  name: "onnx",
  line: `Similarity runs on onnx (ONNX Runtime, ${availableParallelism()} CPU threads)`,
};

const onTensorflow = (chosen: Tensorflow): Backend => ({
  name: "tensorflow",
  tensorflow: chosen,
  line: `Similarity runs on tensorflow (tfjs, ${chosen.gpu ? "GPU" : "CPU"})`,
});

async function chooseFastest(): Promise<Backend> {
  if (gpuIndices().length === 0) return onnx;
  // Loading TensorFlow takes 0.4 s and 370 MB, so only where there is a GPU for it.
  let why = "TensorFlow does not see it";
  try {
    const chosen = await tensorflow();
    if (chosen.gpu) return onTensorflow(chosen);
  } catch (error) {
    why = firstLine(error);
  }
  return { ...onnx, line: `${onnx.line}; not on the GPU: ${why}` };
}

const firstLine = (error: unknown) => reasonOf(error).split("\n")[0].trim();
