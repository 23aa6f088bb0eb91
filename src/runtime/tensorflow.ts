import util from "node:util";

export type Tfjs = typeof import("@tensorflow/tfjs");

/** TensorFlow through tfjs, as set-up built it. */
export interface Tensorflow {
  tf: Tfjs;
  /** True when the arithmetic happens on a GPU. */
  gpu: boolean;
}

let loaded: Promise<Tensorflow> | undefined;

/** Loads TensorFlow, once a process; fails where set-up did not build its addon. */
export function tensorflow(): Promise<Tensorflow> {
  loaded ??= load();
  return loaded;
}

async function load(): Promise<Tensorflow> {
  // Node 24 took away two functions that the native backend calls.
  Object.assign(util, {
    isNullOrUndefined: (value: unknown) => value === null || value === undefined,
    isArray: Array.isArray,
  });
  const tf = require("@tensorflow/tfjs-node-gpu") as Tfjs;
  mendRound(tf);
  return withTensorflow({ tf, gpu: false }, async () => ({
    tf,
    gpu: Boolean((tf.backend() as { isUsingGpuDevice?: boolean }).isUsingGpuDevice),
  }));
}

/** TensorFlow 2.18 to 2.21 give zeros for Round of int32, where it has nothing to do. */
function mendRound(tf: Tfjs): void {
  const round = tf.getKernel("Round", "tensorflow");
  const identity = tf.getKernel("Identity", "tensorflow");
  tf.unregisterKernel("Round", "tensorflow");
  tf.registerKernel({
    ...round,
    kernelFunc: (call) =>
      (call.inputs.x as { dtype: string }).dtype === "int32"
        ? identity.kernelFunc(call)
        : round.kernelFunc(call),
  });
}

/** Runs a job with TensorFlow as the current backend of tfjs, and gives whoever chose another one theirs back. */
export async function withTensorflow<T>({ tf }: Tensorflow, job: () => Promise<T>): Promise<T> {
  const before = tf.getBackend();
  await tf.setBackend("tensorflow");
  try {
    return await job();
  } finally {
    if (before && before !== "tensorflow") await tf.setBackend(before);
  }
}
