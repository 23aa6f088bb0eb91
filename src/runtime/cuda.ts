import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { missing } from "../errors.js";
import { packageRoot } from "../util/package-root.js";
import { gpuIndices, noGpu } from "./gpus.js";

export interface CudaFolders {
  /** Where ONNX Runtime looks for its providers. */
  providers?: string;
  /** Where scripts/setup-cuda.mjs puts NVIDIA's libraries. */
  libraries?: string;
}

const libraryFolder = join(packageRoot, ".cache", "cuda", "nvidia");
export const cudaSetUp = "`node scripts/setup-cuda.mjs`, once";
const providerNames = ["libonnxruntime_providers_shared.so", "libonnxruntime_providers_cuda.so"];
// Each after those that it needs.
const libraryNames = ["cudart", "nvJitLink", "nvrtc", "cublasLt", "cublas", "curand", "cufft", "cudnn"];
// glibc's flag that keeps a library in the process although Node closes what is no addon.
const RTLD_NODELETE = 0x1000;

/** What this machine lacks for CUDA, besides a GPU; undefined when nothing. */
export function cudaProblem({ providers = providerFolder() }: CudaFolders = {}): string | undefined {
  const absent = providerNames.filter((name) => !existsSync(join(providers, name)));
  return absent.length === 0 ? undefined : `${absent.join(" and ")} in ${providers}`;
}

/**
 * Makes sure that ONNX Runtime can load its CUDA provider and that the GPU is there, and brings NVIDIA's libraries from
 * the package's own folder into the process: ONNX Runtime finds them by name then, without LD_LIBRARY_PATH.
 *
 * @throws `missing` that names the library or the GPUs, with the command that fetches what is missing
 */
export function prepareCuda(device: string, folders: CudaFolders = {}): void {
  const { providers = providerFolder(), libraries = libraryFolder } = folders;
  const problem = cudaProblem({ providers });
  if (problem !== undefined)
    throw missing(
      `ONNX Runtime has no ${problem}, which ${device} needs. Run ${cudaSetUp}, or use --device cpu; see docs/gpu.md.`,
      { got: device },
    );
  const gpus = gpuIndices();
  const index = Number(device.split(":")[1] ?? 0);
  if (!gpus.includes(index)) throw missing(noGpu([index], gpus), { got: device });
  for (const path of librariesBelow(libraries)) keep(path);
}

/**
 * The libraries that ONNX Runtime's CUDA provider needs and the machine does not have, for the message when it did not
 * load: ONNX Runtime tells them to stderr alone. The provider itself must not be loaded to find out, before ONNX Runtime
 * has set up what its initialisers use.
 */
export function missingCudaLibraries(folders: CudaFolders = {}): string[] {
  const { providers = providerFolder(), libraries = libraryFolder } = folders;
  const path = [...new Set(librariesBelow(libraries).map((library) => dirname(library)))];
  const env = { ...process.env, LD_LIBRARY_PATH: [...path, process.env.LD_LIBRARY_PATH ?? ""].join(":") };
  const { stdout } = spawnSync("ldd", [join(providers, providerNames[1]!)], { encoding: "utf8", env });
  return [...(stdout ?? "").matchAll(/(\S+) => not found/g)]
    .map(([, name]) => name!)
    .filter((name) => name !== providerNames[0]);
}

function providerFolder(): string {
  const folder = dirname(require.resolve("onnxruntime-node/package.json"));
  return join(folder, "bin", "napi-v6", process.platform, process.arch);
}

function librariesBelow(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder, { recursive: true }).map(String);
  return libraryNames.flatMap((library) =>
    files
      .filter((file) => new RegExp(`(^|/)lib${library}\\.so\\.\\d+$`).test(file))
      .map((file) => join(folder, file)),
  );
}

/** Loads a library for good. One that cannot be loaded may not be needed: ONNX Runtime decides. */
function keep(path: string): void {
  try {
    const { RTLD_LAZY, RTLD_GLOBAL } = constants.dlopen;
    process.dlopen({ exports: {} }, path, RTLD_LAZY | RTLD_GLOBAL | RTLD_NODELETE);
  } catch {
    // It is no addon, which Node minds; the library stays all the same.
  }
}
