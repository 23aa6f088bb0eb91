import util from "node:util";
import { reasonOf, unknown, unsupported } from "../errors.js";

export type Tfjs = typeof import("@tensorflow/tfjs");

/** The backends of tfjs, the fastest first. */
export const backendNames = ["tensorflow", "wasm", "cpu"] as const;
export type BackendName = (typeof backendNames)[number];

/** The tfjs that similarity runs on. */
export interface Backend {
  name: BackendName;
  /** True when the arithmetic happens on a GPU. */
  gpu: boolean;
  tf: Tfjs;
  /** What runs, and why it is not the fastest, in one line. */
  line: string;
}

let tfjs: { tf: Tfjs; native: boolean; why: string } | undefined;
const opened = new Map<BackendName, Promise<Backend>>();

/**
 * The backend of tfjs to compute with: `tensorflow` (its GPU when there is one, else all cores) where set-up built the
 * native addon, else `wasm` (one thread), else `cpu` (plain JavaScript); chosen once a process.
 *
 * @param similarityBackend forces one
 * @throws `unknown` for a name nobody has, `unsupported` when the forced one cannot be had here, with what can
 *
 * @example
 * console.log((await backend()).line)
 */
export async function backend({ similarityBackend }: { similarityBackend?: string } = {}): Promise<Backend> {
  if (similarityBackend === undefined)
    return open("tensorflow").catch(() => open("wasm").catch(() => open("cpu")));
  const name = backendNames.find((known) => known === similarityBackend);
  if (name === undefined)
    throw unknown("similarity", "backend", { got: similarityBackend, want: backendNames.join(", ") });
  return open(name).catch(async (cause) => {
    const there = [];
    for (const other of backendNames) if (await open(other).catch(() => null)) there.push(other);
    throw unsupported("similarity", `backend ${name}`, {
      got: reasonOf(cause),
      want: `one that is there: ${there.join(", ")}${name === "tensorflow" ? "; npm run setup builds this one" : ""}`,
      cause,
    });
  });
}

/** Runs a job with its backend as the current one of tfjs, and gives others back theirs. */
export async function withBackend<T>({ tf, name }: Backend, job: () => Promise<T>): Promise<T> {
  const before = tf.getBackend();
  await tf.setBackend(name);
  try {
    return await job();
  } finally {
    if (before && before !== name) await tf.setBackend(before);
  }
}

function open(name: BackendName): Promise<Backend> {
  const known = opened.get(name);
  if (known !== undefined) return known;
  const opening = start(name);
  opened.set(name, opening);
  return opening;
}

async function start(name: BackendName): Promise<Backend> {
  tfjs ??= loadTfjs();
  const { tf, native, why } = tfjs;
  if (name === "tensorflow" && !native) throw new Error(why);
  if (name === "wasm") require("@tensorflow/tfjs-backend-wasm");
  const before = tf.getBackend();
  if (!(await tf.setBackend(name))) throw new Error(`tfjs could not start ${name}`);
  const gpu =
    name === "tensorflow" && Boolean((tf.backend() as { isUsingGpuDevice?: boolean }).isUsingGpuDevice);
  // The cpu backend advertises the native one on stderr when it is first used.
  if (name === "cpu") (tf.backend() as { firstUse?: boolean }).firstUse = false;
  // A second tf.setBackend gives the process back to whoever chose one before.
  if (before && before !== name) await tf.setBackend(before);
  const how = { tensorflow: gpu ? "GPU" : "all cores", wasm: "one thread", cpu: "plain JavaScript, slow" }[
    name
  ];
  return {
    name,
    gpu,
    tf,
    line: `similarity on tfjs ${name} (${how})${native || name === "tensorflow" ? "" : `; ${why}`}`,
  };
}

function loadTfjs(): { tf: Tfjs; native: boolean; why: string } {
  // Node 24 took away two functions that the native backend calls.
  Object.assign(util, {
    isNullOrUndefined: (value: unknown) => value === null || value === undefined,
    isArray: Array.isArray,
  });
  try {
    const tf = require("@tensorflow/tfjs-node-gpu") as Tfjs;
    mendRound(tf);
    return { tf, native: true, why: "" };
  } catch (error) {
    const why = `the native one is not there (${reasonOf(error).split("\n")[0].trim()}): npm run setup`;
    return { tf: require("@tensorflow/tfjs") as Tfjs, native: false, why };
  }
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
