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
/** The provider is not linked to cuDNN: it looks for it by name, and goes on without it until the first convolution. */
const cudnn = "libcudnn.so.9";
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
  if (!isFound(cudnn, libraries))
    throw missing(`${cudnn} was not found, which ${device} needs. Run ${cudaSetUp}; see docs/gpu.md.`, {
      got: device,
    });
  for (const path of librariesBelow(libraries)) keep(path);
}

/**
 * The libraries that ONNX Runtime's CUDA provider needs and the machine does not have, for the message when it did not
 * load: ONNX Runtime tells them to stderr alone. The provider itself must not be loaded to find out, before ONNX Runtime
 * has set up what its initialisers use.
 */
export function missingCudaLibraries(folders: CudaFolders = {}): string[] {
  const { providers = providerFolder(), libraries = libraryFolder } = folders;
  const env = { ...process.env, LD_LIBRARY_PATH: searched(libraries).join(":") };
  const { stdout } = spawnSync("ldd", [join(providers, providerNames[1]!)], { encoding: "utf8", env });
  const linked = [...(stdout ?? "").matchAll(/(\S+) => not found/g)]
    .map(([, name]) => name!)
    .filter((name) => name !== providerNames[0]);
  return isFound(cudnn, libraries) ? linked : [...linked, cudnn];
}

/** Whether the dynamic linker would find a library, once those of a folder have been brought in. */
function isFound(name: string, libraries: string): boolean {
  if (searched(libraries).some((folder) => existsSync(join(folder, name)))) return true;
  const env = { ...process.env, PATH: `${process.env.PATH}:/sbin:/usr/sbin` };
  const { stdout } = spawnSync("ldconfig", ["-p"], { encoding: "utf8", env });
  return (stdout ?? "").includes(`\t${name} `);
}

/** The folders of a folder's libraries, then those that the environment names. */
function searched(libraries: string): string[] {
  const own = new Set(librariesBelow(libraries).map((library) => dirname(library)));
  return [...own, ...(process.env.LD_LIBRARY_PATH ?? "").split(":")].filter((folder) => folder !== "");
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
