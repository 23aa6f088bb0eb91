import { spawnSync } from "node:child_process";

/**
 * The NVIDIA GPUs of this machine that the environment allows, by index; none where `nvidia-smi` is missing.
 *
 * CUDA_VISIBLE_DEVICES renumbers: a process that may see two GPUs calls them 0 and 1 whatever they are.
 */
export function gpuIndices(): number[] {
  const visible = process.env.CUDA_VISIBLE_DEVICES;
  if (visible !== undefined) {
    const names = visible.split(",").map((name) => name.trim());
    const stop = names.findIndex((name) => name === "" || name === "-1");
    return (stop < 0 ? names : names.slice(0, stop)).map((_, index) => index);
  }
  const { status, stdout } = spawnSync("nvidia-smi", ["--query-gpu=index", "--format=csv,noheader"], {
    encoding: "utf8",
    timeout: 10_000,
  });
  if (status !== 0) return [];
  return stdout
    .split("\n")
    .filter((line) => /^\d+$/.test(line.trim()))
    .map(Number);
}

/** The sentence that says which GPUs are missing. */
export const noGpu = (wanted: readonly number[], there: readonly number[]): string =>
  there.length === 0
    ? "No NVIDIA GPU was found (nvidia-smi failed, or CUDA_VISIBLE_DEVICES hides it). Use --device cpu, or see docs/gpu.md."
    : `There is no GPU ${wanted.join(", ")}. Give one of ${there.join(", ")}.`;
