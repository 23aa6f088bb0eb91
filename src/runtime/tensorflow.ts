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
  const restore = await useTensorflow(tf);
  const gpu = Boolean((tf.backend() as { isUsingGpuDevice?: boolean }).isUsingGpuDevice);
  await restore();
  return { tf, gpu };
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

/** Makes TensorFlow the current backend of tfjs; gives what brings back another one that was chosen before. */
export async function useTensorflow(tf: Tfjs): Promise<() => Promise<void>> {
  const before = tf.getBackend();
  await tf.setBackend("tensorflow");
  return async () => {
    if (before && before !== "tensorflow") await tf.setBackend(before);
  };
}
