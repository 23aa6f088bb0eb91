import { availableParallelism } from "node:os";
import { conflict, invalid, missing } from "../errors.js";
import { gpuIndices, noGpu } from "../runtime/gpus.js";
import { devices as knownDevices, usableGpus } from "../runtime/session.js";
import { demandWhole } from "../util/demand.js";

export interface RankPlanOptions {
  /** `cpu`, `cuda`, `cuda:1`, `webgpu`, ... or `auto`: every GPU that is there, else the CPU. */
  device?: string;
  /** Indices of the GPUs to use; rank i takes the i-th, and ranks beyond their number share. */
  gpus?: readonly number[];
  numRanks?: number;
  /** Threads of a rank on the CPU. */
  threads?: number;
  /** Lines for a log. */
  onLog?: (line: string) => void;
}

/**
 * The device of each rank: one rank a GPU, or as many on the CPU as cores and threads allow.
 *
 * A device that is missing is an error that lists what there is, never a silent fall back to the CPU.
 */
export function planRanks(options: RankPlanOptions = {}): string[] {
  const { device = "auto", gpus, numRanks, threads = 1, onLog } = options;
  if (numRanks !== undefined) demandWhole("The number of ranks", numRanks, 1);
  demandWhole("The number of threads", threads, 1);
  const chosen = gpus === undefined ? byName(device, threads, onLog) : byGpu(gpus, device);
  const count = numRanks ?? chosen.length;
  return Array.from({ length: count }, (_, rank) => chosen[rank % chosen.length]!);
}

/** One thread decodes some 100 to 250 clips of 7 s a second; an H200 embeds 650 of them in batches. */
const maxDecodeThreads = 8;

/** Threads that decode for a rank: none for one on the CPU, which has its core to itself; else as cores allow. */
export function decodeThreadsFor(device: string, ranks: number): number {
  if (device === "cpu") return 0;
  return Math.max(1, Math.min(maxDecodeThreads, Math.floor(availableParallelism() / ranks)));
}

function byGpu(gpus: readonly number[], device: string): string[] {
  if (device !== "auto" && device !== "cuda" && device !== "gpu")
    throw conflict(`--gpus and --device ${device} name different devices. Give one of them.`, {
      got: device,
    });
  const there = gpuIndices();
  const absent = gpus.filter((gpu) => !there.includes(gpu));
  if (!knownDevices().includes("cuda"))
    throw missing("This ONNX Runtime was built without CUDA. Leave out --gpus.", { got: gpus });
  if (gpus.length === 0 && there.length > 0)
    throw invalid('--gpus names no GPU. Give indices such as "0 1".', { got: gpus });
  if (there.length === 0 || absent.length > 0) throw missing(noGpu(absent, there), { got: gpus });
  return gpus.map((gpu) => `cuda:${gpu}`);
}

function byName(device: string, threads: number, onLog: RankPlanOptions["onLog"]): string[] {
  const cpus = () =>
    Array.from({ length: Math.max(1, Math.floor(availableParallelism() / threads)) }, () => "cpu");
  if (device === "cpu") return cpus();
  if (device === "auto") {
    const gpus = usableGpus();
    if (gpus.length > 0) return gpus.map((gpu) => `cuda:${gpu}`);
    const unused = gpuIndices().length;
    if (unused > 0)
      onLog?.(
        `Warning: ${unused} GPUs are left unused: \`node scripts/setup-cuda.mjs\` fetches what they need`,
      );
    return cpus();
  }
  if (device === "cuda" || device === "gpu") return byGpu(gpuIndices(), device);
  return [device];
}
