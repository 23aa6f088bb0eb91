// Sets up tfjs's native backend: libtensorflow from the PyPI wheel into <repo>/.tf, and tfjs-node-gpu's addon compiled
// against it into node_modules. A failure is one line that says what does not work without it and what to do; nothing throws.
//   node scripts/setup-tensorflow.mjs
//   TF_DIR=/venv/lib/python3.12/site-packages/tensorflow   use that TensorFlow (a GPU machine, or another clone's .tf/tensorflow)
import { spawn, spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";

export const TENSORFLOW_VERSION = "2.21.0";
const WHEEL_MEGABYTES = 274;
const LIBRARIES = ["libtensorflow_cc.so.2", "libtensorflow_framework.so.2"];
/** What quiet-loader.cc loads. */
const NATIVE = "tfjs_native.node";
const LOST = "similarity runs on ONNX Runtime all the same, but not on a GPU";

/** An expected obstacle: its message is what is missing, `remedy` what to do about it. */
class Obstacle extends Error {
  constructor(message, remedy) {
    super(message);
    this.remedy = remedy;
  }
}

/**
 * Sets up the tensorflow backend of tfjs; instant when it stands already.
 * @param {{ root?: string, log?: (line: string) => void }} options
 * @returns {Promise<{ ok: boolean, changed: boolean, line: string }>} `line` is what was said last.
 */
export async function setupTensorflow({
  root = join(dirname(fileURLToPath(import.meta.url)), ".."),
  log = console.log,
} = {}) {
  const finish = (ok, changed, line) => {
    log(line);
    return { ok, changed, line };
  };
  try {
    if (process.platform !== "linux" || !["x64", "arm64"].includes(process.arch))
      throw new Obstacle(
        `no libtensorflow for ${process.platform} ${process.arch}`,
        "nothing to do here; use Linux x64 for speed",
      );
    const addon = addonFolder(root);
    const stampPath = join(addon.out, "stamp.json");
    const stamp = readJson(stampPath);
    if (
      stamp !== null &&
      stamp.wanted === wanted(root, addon) &&
      existsSync(stamp.library) &&
      existsSync(addon.binding)
    )
      return { ok: true, changed: false, line: stamp.line };
    const compiler = findCompiler();
    const tensorflow =
      givenTensorflow() ?? installedTensorflow(root) ?? (await downloadedTensorflow(root, log));
    log("tfjs: compiling the native addon (about 15 s)");
    const line = await compileAddon({ root, addon, compiler, tensorflow });
    writeFileSync(
      stampPath,
      JSON.stringify({ wanted: wanted(root, addon), library: join(tensorflow, LIBRARIES[0]), line }, null, 2),
    );
    return finish(true, true, line);
  } catch (error) {
    const remedy = error instanceof Obstacle ? error.remedy : "run npm run setup again";
    const reason = String(error.message ?? error).split("\n")[0];
    return finish(false, false, `tfjs: ${reason}: ${LOST}; ${remedy}`);
  }
}

/** Everything that a build depends on; when any of it changes, the addon is built and checked again. */
function wanted(root, addon) {
  return JSON.stringify({
    tensorflow: TENSORFLOW_VERSION,
    tfDir: process.env.TF_DIR ?? null,
    venv: installedTensorflow(root),
    addon: addon.version,
    loader: readText(join(dirname(fileURLToPath(import.meta.url)), "quiet-loader.cc")),
    node: process.versions.node,
    abi: process.versions.modules,
    arch: process.arch,
  });
}

function addonFolder(root) {
  const folder = join(root, "node_modules", "@tensorflow", "tfjs-node-gpu");
  const description = readJson(join(folder, "package.json"));
  if (description === null) throw new Obstacle("@tensorflow/tfjs-node-gpu is not installed", "run npm ci");
  const out = join(folder, "lib", "napi-v8");
  return { folder, out, version: description.version, binding: join(out, "tfjs_binding.node") };
}

function findCompiler() {
  const candidates = process.env.CXX ? [process.env.CXX] : ["g++", "c++", "clang++"];
  const found = candidates.find((name) => spawnSync(name, ["--version"], { stdio: "ignore" }).status === 0);
  if (found === undefined)
    throw new Obstacle(
      `no C++ compiler (${candidates.join(", ")})`,
      "install g++ (Debian, Ubuntu: apt-get install g++) and run npm run setup again",
    );
  return found;
}

/** The TensorFlow that TF_DIR names. */
function givenTensorflow() {
  const dir = process.env.TF_DIR;
  if (!dir) return null;
  const lack = lackOf(dir);
  if (lack !== null)
    throw new Obstacle(
      `TF_DIR=${dir} has no ${lack}`,
      `point TF_DIR at site-packages/tensorflow of TensorFlow ${TENSORFLOW_VERSION}, or unset it`,
    );
  return realpathSync(dir);
}

/** The TensorFlow of the project's own Python environment (`pip install 'tensorflow[and-cuda]'` on a GPU machine). */
function installedTensorflow(root) {
  const lib = join(root, ".venv", "lib");
  if (!existsSync(lib)) return null;
  const dirs = readdirSync(lib).map((python) => join(lib, python, "site-packages", "tensorflow"));
  return dirs.find((dir) => lackOf(dir) === null) ?? null;
}

function lackOf(dir) {
  const needed = [...LIBRARIES, join("include", "tensorflow", "c", "c_api.h")];
  return needed.find((name) => !existsSync(join(dir, name))) ?? null;
}

/** <root>/.tf/tensorflow: the two libraries and the C headers out of the CPU wheel. */
async function downloadedTensorflow(root, log) {
  const home = join(root, ".tf");
  const dir = join(home, "tensorflow");
  if (readText(join(dir, "version.txt")) === TENSORFLOW_VERSION && lackOf(dir) === null) return dir;
  mkdirSync(home, { recursive: true });
  for (const name of readdirSync(home))
    if (isAbandoned(name)) rmSync(join(home, name), { recursive: true, force: true });
  const work = join(home, `work-${process.pid}`);
  mkdirSync(work);
  try {
    log(
      `tfjs: downloading libtensorflow ${TENSORFLOW_VERSION} (${WHEEL_MEGABYTES} MB, once; pip keeps it for the next clone)`,
    );
    const unpacked = (await throughPip(root, work, log)) ?? (await throughUv(work, log));
    if (unpacked === null)
      throw new Obstacle(
        "no Python with pip, and no uv, to download libtensorflow",
        "install python3 and pip (Debian, Ubuntu: apt-get install python3-pip) and run npm run setup again",
      );
    const lack = lackOf(unpacked);
    if (lack !== null)
      throw new Obstacle(
        `the tensorflow-cpu ${TENSORFLOW_VERSION} wheel has no ${lack}`,
        "set TF_DIR to another TensorFlow",
      );
    writeFileSync(join(unpacked, "version.txt"), TENSORFLOW_VERSION);
    rmSync(dir, { recursive: true, force: true });
    renameSync(unpacked, dir);
    return dir;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** A work folder whose process is gone. */
function isAbandoned(name) {
  const pid = Number(/^work-(\d+)$/.exec(name)?.[1]);
  if (!pid) return false;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return error.code === "ESRCH";
  }
}

async function throughPip(root, work, log) {
  const python = [process.env.PYTHON, join(root, ".venv", "bin", "python"), "python3"]
    .filter(Boolean)
    .find((name) => spawnSync(name, ["-m", "pip", "--version"], { stdio: "ignore" }).status === 0);
  if (python === undefined) return null;
  const args = [
    "-m",
    "pip",
    "download",
    "--quiet",
    "--disable-pip-version-check",
    "--retries",
    "2",
    "--no-deps",
  ];
  args.push(
    "--only-binary=:all:",
    "--python-version",
    "3.12",
    "--dest",
    work,
    `tensorflow-cpu==${TENSORFLOW_VERSION}`,
  );
  await download(python, args, work, log);
  const wheel = readdirSync(work).find((name) => name.endsWith(".whl"));
  if (wheel === undefined) throw new Obstacle("pip downloaded no wheel", "run npm run setup again");
  log("tfjs: unpacking libtensorflow");
  const { status, stderr } = await execute(python, ["-c", UNPACK, join(work, wheel), work], {});
  if (status !== 0)
    throw new Obstacle(
      `the wheel could not be unpacked: ${lastLine(stderr)}`,
      "free 2 GB of disk and run npm run setup again",
    );
  return join(work, "tensorflow");
}

// Only these files are needed; the rest of the wheel has 1.2 GB.
const UNPACK = `
import sys, zipfile
I = 'tensorflow/include/'
keep = ('tensorflow/libtensorflow_', I + 'tensorflow/c/', I + 'xla/tsl/c/', I + 'tsl/platform/ctstring',
        I + 'tensorflow/core/platform/ctstring', 'tensorflow/THIRD_PARTY_NOTICES.txt')
wheel = zipfile.ZipFile(sys.argv[1])
wheel.extractall(sys.argv[2], [m for m in wheel.namelist() if m.startswith(keep)])
`;

async function throughUv(work, log) {
  if (spawnSync("uv", ["--version"], { stdio: "ignore" }).status !== 0) return null;
  const target = join(work, "target");
  const args = ["pip", "install", "--quiet", "--no-deps", "--only-binary=:all:", "--python-version", "3.12"];
  await download("uv", [...args, "--target", target, `tensorflow-cpu==${TENSORFLOW_VERSION}`], work, log);
  const [from, to] = [join(target, "tensorflow"), join(work, "tensorflow")];
  for (const name of [
    ...LIBRARIES,
    join("include", "tensorflow"),
    join("include", "xla"),
    join("include", "tsl"),
  ])
    if (existsSync(join(from, name))) cpSync(join(from, name), join(to, name), { recursive: true });
  return to;
}

/** Runs a download and reports its progress, which neither pip nor uv writes into a pipe. */
async function download(command, args, work, log) {
  let said = 0;
  const timer = setInterval(() => {
    const megabytes = Math.round(largestFile(work) / 1e6);
    if (process.stdout.isTTY) process.stdout.write(`\r  ${megabytes} of ${WHEEL_MEGABYTES} MB `);
    else if (megabytes - said >= 50) {
      said = megabytes;
      log(`  ${megabytes} of ${WHEEL_MEGABYTES} MB`);
    }
  }, 1000);
  // pip's temporary files go into the folder that is watched, not to a perhaps small /tmp.
  const { status, stderr } = await execute(command, args, { env: { ...process.env, TMPDIR: work } });
  clearInterval(timer);
  if (process.stdout.isTTY) process.stdout.write("\r\x1b[K");
  if (status === 0) return;
  const full = /No space left|ENOSPC/.test(stderr);
  throw new Obstacle(
    `libtensorflow could not be downloaded (${lastLine(stderr)})`,
    full
      ? "free 2 GB of disk and run npm run setup again"
      : "with a network (or with TF_DIR at a TensorFlow that is there) run npm run setup again",
  );
}

function largestFile(folder) {
  let largest = 0;
  try {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      largest = Math.max(largest, entry.isDirectory() ? largestFile(path) : statSync(path).size);
    }
  } catch {
    // A temporary file may vanish after it was listed.
  }
  return largest;
}

/** Compiles the addon, checks that it multiplies matrices, then puts it in place; returns the line to log. */
async function compileAddon({ root, addon, compiler, tensorflow }) {
  const work = join(addon.out, `work-${process.pid}`);
  mkdirSync(work, { recursive: true });
  const inside =
    tensorflow.startsWith(realpathSync(root) + sep) || tensorflow.startsWith(resolve(root) + sep);
  // Relative where possible, so that the clone can be moved; not through a link, because the GPU wheel's libraries look
  // for site-packages/nvidia/*/lib relative to themselves.
  const runPath = inside ? `$ORIGIN/${relative(addon.out, tensorflow)}` : tensorflow;
  const flags = ["-O2", "-std=c++17", "-fPIC", "-shared", "-w", "-DNAPI_VERSION=8", "-I", nodeHeaders(root)];
  const native = ["tfjs_backend.cc", "tfjs_binding.cc"].map((name) => join(addon.folder, "binding", name));
  native.push("-I", join(tensorflow, "include"), ...LIBRARIES.map((name) => join(tensorflow, name)));
  // Two run paths: for the folder where it is checked, and for its final one.
  for (const path of [runPath, inside ? runPath.replace("$ORIGIN", "$ORIGIN/..") : runPath])
    native.push("-Xlinker", "-rpath", "-Xlinker", path);
  const loader = [join(dirname(fileURLToPath(import.meta.url)), "quiet-loader.cc"), "-ldl"];
  const remedy = `use TensorFlow ${TENSORFLOW_VERSION} (unset TF_DIR, remove .tf) and run npm run setup again`;
  try {
    for (const [name, sources] of [
      [NATIVE, native],
      [basename(addon.binding), loader],
    ]) {
      const built = await execute(compiler, [...flags, ...sources, "-o", join(work, name)], {});
      if (built.status !== 0)
        throw new Obstacle(`the addon does not compile (${firstError(built.stderr)})`, remedy);
    }
    const checked = await execute(process.execPath, ["-e", CHECK, join(work, basename(addon.binding))], {
      cwd: root,
    });
    if (checked.status !== 0)
      throw new Obstacle(`the addon does not load (${firstError(checked.stderr)})`, remedy);
    for (const name of [NATIVE, basename(addon.binding)]) renameSync(join(work, name), join(addon.out, name));
    const [version, device] = checked.stdout.trim().split("\n").at(-1).split(" ");
    return `tfjs: native backend ready (TensorFlow ${version}, ${device})`;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

// Loads the addon through its own loader, from where it was compiled to.
const CHECK = `
const util = require("node:util");
util.isNullOrUndefined ??= (x) => x == null;
util.isArray ??= Array.isArray;
const addon = require.resolve("@tensorflow/tfjs-node-gpu");
require(require.resolve("@mapbox/node-pre-gyp/lib/pre-binding.js", { paths: [addon] })).find = () => process.argv[1];
const tf = require(addon);
const a = tf.tensor2d([[1, 2], [3, 4]]);
const product = Array.from(tf.matMul(a, a).dataSync()).join();
const best = Array.from(tf.topk(a, 1).values.dataSync()).join();
if (tf.getBackend() !== "tensorflow" || product !== "7,10,15,22" || best !== "2,4") throw new Error("wrong product " + product);
console.log(tf.backend().binding.TF_Version, tf.backend().isUsingGpuDevice ? "GPU" : "CPU");
`;

function nodeHeaders(root) {
  try {
    return createRequire(join(root, "package.json"))("node-api-headers").include_dir;
  } catch {
    const beside = resolve(process.execPath, "..", "..", "include", "node");
    if (existsSync(join(beside, "node_api.h"))) return beside;
    throw new Obstacle("no headers of Node.js (the package node-api-headers is not installed)", "run npm ci");
  }
}

function execute(command, args, options) {
  return new Promise((done, fail) => {
    const child = spawn(command, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
    const out = { stdout: "", stderr: "" };
    child.stdout.on("data", (bytes) => (out.stdout += bytes));
    child.stderr.on("data", (bytes) => (out.stderr += bytes));
    child.on("error", fail);
    child.on("close", (status) => done({ status, ...out }));
  });
}

function firstError(text) {
  const lines = text.trim().split("\n");
  return (lines.find((line) => /^\w*Error: |: (fatal )?error: |cannot find/.test(line)) ?? lines[0]).trim();
}

function lastLine(text) {
  return text.trim().split("\n").at(-1).trim();
}

function readText(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}

function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return null;
  }
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const { ok, changed, line } = await setupTensorflow();
  if (ok && !changed) console.log(line);
}
