// Fetches what `--device cuda` needs besides the NVIDIA driver: ONNX Runtime's CUDA provider, which npm's package omits
// for its size, from the PyPI wheel of the same version (and commit), and NVIDIA's CUDA and cuDNN libraries if missing.
//
//   node scripts/setup-cuda.mjs            the provider, and the libraries that are missing (up to 2 GB)
//   node scripts/setup-cuda.mjs --check    only reports what is there and what is missing
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const cache = join(root, ".cache", "cuda");
const require = createRequire(import.meta.url);
const packageFile = require.resolve("onnxruntime-node/package.json");
const { version } = JSON.parse(readFileSync(packageFile, "utf8"));
const target = join(dirname(packageFile), "bin", "napi-v6", "linux", "x64");
const providers = ["libonnxruntime_providers_shared.so", "libonnxruntime_providers_cuda.so"];

if (process.platform !== "linux" || process.arch !== "x64")
  stop("CUDA needs Linux on x64; elsewhere --device webgpu, coreml or dml may be there");
const built = join(root, "dist", "src", "runtime", "cuda.js");
if (!existsSync(built)) stop("There is no build (dist). Run npm run setup first.");
const { missingCudaLibraries } = require(built);

if (!process.argv.includes("--check")) {
  const wheel = join(cache, "onnxruntime", "capi");
  if (!providers.every((name) => existsSync(join(wheel, name))))
    install([`onnxruntime-gpu==${version}`], ["--no-deps"]);
  for (const name of providers) copyFileSync(join(wheel, name), join(target, name));
  if (missing().length > 0) install(requirements());
}
const absent = providers.every((name) => existsSync(join(target, name))) ? missing() : providers;
const driver = spawnSync("nvidia-smi", ["--list-gpus"], { encoding: "utf8" });
console.log(
  `ONNX Runtime ${version}: ${absent.length === 0 ? "CUDA provider and libraries are there" : `missing: ${absent.join(", ")}`}`,
);
console.log(driver.status === 0 ? driver.stdout.trim() : "no NVIDIA driver is seen here (nvidia-smi)");
process.exit(absent.length === 0 && driver.status === 0 ? 0 : 1);

/** The wheel's own requirements for CUDA and cuDNN. */
function requirements() {
  const info = readdirSync(cache).find((name) => /^onnxruntime_gpu-.*\.dist-info$/.test(name));
  const text = readFileSync(join(cache, info, "METADATA"), "utf8");
  return [...text.matchAll(/^Requires-Dist: (\S+); extra == "(?:cuda|cudnn)"/gm)].map(
    ([, requirement]) => requirement,
  );
}

/** Libraries that the provider needs and the system lacks, except the driver's. */
function missing() {
  return missingCudaLibraries().filter((name) => name !== "libcuda.so.1");
}

function install(requirements, flags = []) {
  mkdirSync(cache, { recursive: true });
  const venv = join(root, ".venv", "bin", "python");
  const tools = [
    [venv, "-m", "pip"],
    ["uv", "pip"],
    ["python3", "-m", "pip"],
  ];
  const tool = tools.find(([name, ...args]) => spawnSync(name, [...args, "--version"]).status === 0);
  if (tool === undefined) stop("pip or uv is needed to fetch the wheels");
  console.log(`fetching ${requirements.join(", ")}`);
  const args = [
    ...tool.slice(1),
    "install",
    "--quiet",
    "--target",
    cache,
    "--only-binary",
    ":all:",
    ...flags,
    ...requirements,
  ];
  if (spawnSync(tool[0], args, { stdio: "inherit" }).status !== 0)
    stop(`could not fetch ${requirements.join(", ")}`);
}

function stop(reason) {
  console.error(`setup-cuda: ${reason}`);
  process.exit(1);
}
