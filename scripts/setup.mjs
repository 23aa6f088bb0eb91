// Sets up a fresh clone: packages, build, Python side, libtensorflow. Idempotent: a second call does nothing.
// An optional part that fails is reported in one line with what does not work without it, and the rest goes on.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const python = join(root, ".venv", "bin", "python");

checkNode();
// Python and the packages do not depend on each other. libtensorflow is downloaded by that Python and compiled against
// those packages, while TypeScript is built.
await both(makePackages(), makePython());
const { setupTensorflow } = await import("./setup-tensorflow.mjs");
await both(
  makeBuild().then(() => {
    makeExecutable();
    return makeCompilerCache();
  }),
  setupTensorflow({ root, log: say }),
);

function makePackages() {
  return step(
    "packages",
    join(root, "node_modules", ".speakerscope"),
    hashOf(["package.json", "package-lock.json"], process.version),
    {
      doing: "npm ci (about 30 s)",
      required: true,
      work: () => run("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"]),
    },
  );
}

function makeBuild() {
  return step(
    "build",
    join(root, "dist", ".speakerscope"),
    hashOf(["tsconfig.json", "package-lock.json", ...sources("src"), ...sources("kernels")]),
    {
      doing: "compiling TypeScript (about 15 s)",
      required: true,
      work: async () => {
        // Beside the last build, which kernels and tests that run meanwhile go on using.
        const [built, fresh, old] = ["dist", "dist.new", "dist.old"].map((name) => join(root, name));
        const remove = (folder) => rmSync(folder, { recursive: true, force: true });
        remove(fresh);
        const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
        await run(process.execPath, [tsc, "-p", "tsconfig.json", "--outDir", fresh]);
        remove(old);
        if (existsSync(built)) renameSync(built, old);
        renameSync(fresh, built);
        remove(old);
      },
    },
  );
}

/** npx makes the command executable once, when it first links to the checkout; a later build is a new file. */
function makeExecutable() {
  const command = join(root, "dist", "src", "cli", "main.js");
  if (existsSync(command)) chmodSync(command, 0o755);
}

function makeCompilerCache() {
  return step(
    "compiler cache",
    join(root, "node_modules", ".cache", "speakerscope", ".speakerscope"),
    hashOf(["package-lock.json"], process.version),
    {
      doing: "compiling the notebook's compiler (about 2 s)",
      lost: "the first kernel starts half a second later",
      work: () =>
        run(process.execPath, [join(root, "dist", "kernels", "speakerscope", "language", "warm.js")]),
    },
  );
}

function makePython() {
  return step(
    "python",
    join(root, ".venv", ".speakerscope"),
    hashOf(["python/requirements.txt", ...sources("python")]),
    {
      doing: "Python environment in .venv: JupyterLab, nbclient, numpy (about a minute)",
      lost: "no JupyterLab and no Python tests; the pipeline runs all the same. Install Python 3.10+ with venv, then: npm run setup",
      work: makeVenv,
    },
  );
}

/** Waits for both even when one fails, so that nothing goes on writing after this process. */
async function both(...works) {
  for (const result of await Promise.allSettled(works))
    if (result.status === "rejected") {
      console.error(`setup: ${result.reason.message}`);
      process.exit(1);
    }
}

function checkNode() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  console.error(`setup: unsupported Node: got ${process.version}, expected 20.19 or later`);
  process.exit(1);
}

/** Does the work unless its stamp shows that it was done with the same inputs. */
async function step(name, stampPath, stamp, { doing, work, required = false, lost = "" }) {
  if (existsSync(stampPath) && readFileSync(stampPath, "utf8") === stamp) return;
  say(`${name}: ${doing}`);
  const start = performance.now();
  try {
    await work();
    mkdirSync(dirname(stampPath), { recursive: true });
    writeFileSync(stampPath, stamp);
    say(`${name}: done in ${((performance.now() - start) / 1000).toFixed(0)} s`);
  } catch (error) {
    if (required) throw new Error(`${name} failed: ${error.message}`);
    say(`${name}: ${String(error.message).trim().split("\n").at(-1)}: ${lost}`);
  }
}

async function makeVenv() {
  const uv = spawnSync("uv", ["--version"]).status === 0;
  rmSync(join(root, ".venv"), { recursive: true, force: true });
  if (uv) {
    await run("uv", ["venv", "-q", "--python", ">=3.10", ".venv"]);
    await run("uv", ["pip", "install", "-q", "--python", python, "-r", "python/requirements.txt"]);
  } else {
    await run(findPython(), ["-m", "venv", ".venv"]);
    await pip(["-r", "python/requirements.txt"]);
  }
  // A second numpy, to test that our files load on both; it exists for Python 3.10 to 3.12 only.
  const old = join(".venv", "numpy-1.26");
  const options = ["--target", old, "--no-deps", "numpy==1.26.4"];
  await (uv ? run("uv", ["pip", "install", "-q", "--python", python, ...options]) : pip(options)).catch(() =>
    say("python: no numpy 1.26 for this Python: pickles are tested with numpy 2 alone"),
  );
  // Packages of this repository: the papermill translator.
  if (existsSync(join(root, "python", "pyproject.toml")))
    await (uv
      ? run("uv", ["pip", "install", "-q", "--python", python, "--no-deps", "./python"])
      : pip(["--no-deps", "./python"]));
}

function pip(args) {
  const options = ["-q", "--disable-pip-version-check", "--no-input", "--only-binary=:all:"];
  return run(python, ["-m", "pip", "install", ...options, ...args]);
}

function findPython() {
  const check = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))";
  for (const name of ["python3", "python3.13", "python3.12", "python3.11", "python3.10", "python"])
    if (spawnSync(name, ["-c", check]).status === 0) return name;
  throw new Error("no Python 3.10+ with venv");
}

/** Runs a command silently; its output is shown only when it fails. */
function run(command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    child.stdout.on("data", (data) => (output += data));
    child.stderr.on("data", (data) => (output += data));
    child.on("error", reject);
    child.on("close", (code) =>
      code === 0
        ? resolve()
        : reject(
            new Error(`${command} ${args.slice(0, 3).join(" ")} exited ${code}\n${output.slice(-4000)}`),
          ),
    );
  });
}

function hashOf(files, ...more) {
  const hash = createHash("sha256");
  for (const file of files) {
    const path = join(root, file);
    hash.update(file).update("\0");
    if (existsSync(path)) hash.update(readFileSync(path));
  }
  return hash.update(more.join()).digest("hex");
}

function sources(folder) {
  const path = join(root, folder);
  if (!existsSync(path)) return [];
  return readdirSync(path, { recursive: true })
    .map((name) => join(folder, String(name)))
    .filter((name) => /\.(ts|json|py|toml)$/.test(name) && statSync(join(root, name)).isFile())
    .sort();
}

function say(line) {
  console.log(`setup: ${line}`);
}
