import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism, release, totalmem } from "node:os";
import { dirname, join, resolve } from "node:path";

/**
 * What this machine has for extraction on a GPU, and the environment in which a process finds it.
 *
 * On a bare machine the Vulkan loader may be the one that was brought along, the driver may lie where no loader looks, and
 * CUDA's libraries may be in Python packages alone.
 */
export function inspectMachine(root) {
  const loader = vulkanLoader(root);
  const driver = vulkanDriver();
  const libraries = [
    ...carriedLibraries(root),
    ...["/usr/local/nvidia/lib64", "/usr/local/nvidia/lib"].filter((folder) => existsSync(folder)),
    ...pythonLibraryFolders(),
    ...(process.env.LD_LIBRARY_PATH ?? "").split(":"),
  ].filter((folder) => folder !== "");
  const env = {
    ...process.env,
    XDG_RUNTIME_DIR: process.env.XDG_RUNTIME_DIR ?? "/tmp",
    ...(libraries.length > 0 ? { LD_LIBRARY_PATH: libraries.join(":") } : {}),
    // Loaders older than 1.3.207 know only the second name.
    ...(driver === undefined ? {} : { VK_DRIVER_FILES: driver, VK_ICD_FILENAMES: driver }),
  };
  const found = {
    node: process.version,
    kernel: release(),
    cores: availableParallelism(),
    memoryMiB: Math.round(totalmem() / 2 ** 20),
    gpus: gpus(),
    vulkanLoader: loader ?? "none was found",
    vulkanDriver: driver ?? "none was found",
    ...(driver === undefined ? {} : { vulkanDriverLacks: lacking(driver, env) }),
    onnxruntime: JSON.parse(
      readFileSync(join(root, "node_modules", "onnxruntime-node", "package.json"), "utf8"),
    ).version,
    cuda: cudaProblem(root, env) ?? "can be used",
  };
  return { found, env };
}

function gpus() {
  const query = ["--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"];
  const { status, stdout } = spawnSync("nvidia-smi", query, { encoding: "utf8", timeout: 20_000 });
  return status === 0 ? stdout.trim().split("\n") : "nvidia-smi gave none";
}

/** The folder of what was brought along, where this machine lacks any of it. */
function carriedLibraries(root) {
  const folder = join(root, "lib");
  if (!existsSync(folder)) return [];
  return readdirSync(folder).every((name) => systemLibrary(name) !== undefined) ? [] : [folder];
}

function vulkanLoader(root) {
  const carried = join(root, "lib", "libvulkan.so.1");
  return systemLibrary("libvulkan.so.1") ?? (existsSync(carried) ? carried : undefined);
}

/** The driver's manifest: what the environment names, else NVIDIA's, else any. */
function vulkanDriver() {
  const given = process.env.VK_DRIVER_FILES ?? process.env.VK_ICD_FILENAMES;
  if (given) return given;
  const folders = ["/etc", "/usr/share", "/usr/local/share", "/usr/local/nvidia/share"];
  const manifests = folders
    .map((folder) => join(folder, "vulkan", "icd.d"))
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)))
    .filter((path) => path.endsWith(".json"));
  return manifests.find((path) => /nvidia/i.test(path)) ?? manifests[0];
}

/** Libraries that the driver needs and the machine lacks, the usual reason why a headless machine has no adapter. */
function lacking(manifest, env) {
  try {
    const name = JSON.parse(readFileSync(manifest, "utf8")).ICD.library_path;
    const folders = (env.LD_LIBRARY_PATH ?? "").split(":").filter(Boolean);
    const places = folders.map((folder) => join(folder, name));
    const path = name.includes("/")
      ? resolve(dirname(manifest), name)
      : (places.find((place) => existsSync(place)) ?? systemLibrary(name));
    if (path === undefined) return [name];
    // NVIDIA's driver is not linked to libEGL but opens it, even where nothing is shown.
    const opened = /nvidia/i.test(name) ? ["libEGL.so.1"] : [];
    const isThere = (library) =>
      systemLibrary(library) !== undefined || folders.some((folder) => existsSync(join(folder, library)));
    return [...notFound(path, env), ...opened.filter((library) => !isThere(library))];
  } catch (error) {
    return [`(not known: ${error.message})`];
  }
}

const notFound = (path, env) =>
  [...spawnSync("ldd", [path], { encoding: "utf8", env }).stdout.matchAll(/(\S+) => not found/g)].map(
    ([, name]) => name,
  );

function systemLibrary(name) {
  const env = { ...process.env, PATH: `${process.env.PATH}:/sbin:/usr/sbin` };
  const lines = (spawnSync("ldconfig", ["-p"], { encoding: "utf8", env }).stdout ?? "").split("\n");
  return lines
    .find((line) => line.trim().startsWith(`${name} `) && line.includes("x86-64"))
    ?.split(" => ")[1];
}

/** Where pip's packages of NVIDIA (nvidia-cudnn-cu13, nvidia-cublas, ...) keep their libraries. */
function pythonLibraryFolders() {
  const program = "import nvidia; print('\\n'.join(nvidia.__path__))";
  const { status, stdout } = spawnSync("python3", ["-c", program], { encoding: "utf8", timeout: 20_000 });
  if (status !== 0) return [];
  return stdout
    .trim()
    .split("\n")
    .flatMap((folder) => readdirSync(folder).map((name) => join(folder, name, "lib")))
    .filter((folder) => existsSync(folder));
}

/** Why CUDA cannot be measured here; undefined when it can. */
function cudaProblem(root, env) {
  const cuda = createRequire(import.meta.url)(join(root, "dist", "src", "runtime", "cuda.js"));
  const provider = cuda.cudaProblem();
  if (provider !== undefined)
    return `There is no ${provider}. The CUDA provider is 272 MB, too large for the parts of gpu-check.sh; with a network, \`node scripts/setup-cuda.mjs\` fetches it.`;
  process.env.LD_LIBRARY_PATH = env.LD_LIBRARY_PATH ?? "";
  const libraries = cuda.missingCudaLibraries();
  return libraries.length === 0 ? undefined : `The CUDA provider lacks ${libraries.join(", ")}.`;
}
