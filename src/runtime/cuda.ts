import { existsSync, readdirSync } from "node:fs";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { missing, reasonOf } from "../errors.js";
import { packageRoot } from "../util/package-root.js";
import { gpuIndices } from "./gpus.js";

export interface CudaFolders {
  /** Where ONNX Runtime looks for its providers. */
  providers?: string;
  /** Where scripts/setup-cuda.mjs puts NVIDIA's libraries. */
  libraries?: string;
}

const setUp = "`node scripts/setup-cuda.mjs`, once";
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
  const { providers = providerFolder(), libraries = join(packageRoot, ".cache", "cuda", "nvidia") } = folders;
  const problem = cudaProblem({ providers });
  if (problem !== undefined)
    throw missing("device", `libraries for ${device}`, { got: `no ${problem}`, want: setUp });
  const gpus = gpuIndices();
  const index = Number(device.split(":")[1] ?? 0);
  if (!gpus.includes(index))
    throw missing("device", device, {
      want:
        gpus.length > 0
          ? `one of GPUs ${gpus.join(" ")}`
          : "--device cpu: no NVIDIA GPU is seen here (nvidia-smi)",
    });
  for (const path of librariesBelow(libraries)) open(path);
  for (const name of providerNames) {
    const fault = open(join(providers, name));
    if (fault !== undefined)
      throw missing("device", `libraries for ${device}`, {
        got: fault,
        want: `NVIDIA's driver, and ${setUp}`,
      });
  }
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

/** Loads a library for good; what hinders that, or undefined. */
function open(path: string): string | undefined {
  try {
    process.dlopen(
      { exports: {} },
      path,
      constants.dlopen.RTLD_LAZY | constants.dlopen.RTLD_GLOBAL | RTLD_NODELETE,
    );
    return undefined;
  } catch (error) {
    const reason = reasonOf(error);
    // It is no addon, which is all that Node minds.
    return reason.startsWith("Module did not self-register") ? undefined : reason;
  }
}
