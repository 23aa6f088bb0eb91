import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";

const repository = join(__dirname, "..", "..");
const script = join(repository, "scripts", "setup-tensorflow.mjs");
const modules = join(repository, "node_modules");
const folder = mkdtempSync(join(tmpdir(), "set up "));
test.after(() => rmSync(folder, { recursive: true }));

/** Sets up in a folder of its own, with its own environment; gives the lines that were said. */
function setUp(root: string, env: NodeJS.ProcessEnv): { ok: boolean; changed: boolean; said: string[] } {
  const code = `
    import { setupTensorflow } from ${JSON.stringify(script)};
    const said = [];
    const { ok, changed } = await setupTensorflow({ root: ${JSON.stringify(root)}, log: (line) => said.push(line) });
    console.log(JSON.stringify({ ok, changed, said }));
  `;
  const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "--eval", code], {
    encoding: "utf8",
    env: { ...process.env, TF_DIR: "", ...env },
  });
  assert.is(stderr, "");
  return JSON.parse(stdout);
}

/** A clone in which nothing of TensorFlow is there yet. */
function clone(name: string, { whole = false } = {}): string {
  const root = join(folder, name);
  const home = join(root, "node_modules", "@tensorflow");
  mkdirSync(home, { recursive: true });
  writeFileSync(join(root, "package.json"), "{}");
  const addon = join(modules, "@tensorflow", "tfjs-node-gpu");
  cpSync(addon, join(home, "tfjs-node-gpu"), {
    recursive: true,
    filter: (path) => !/napi-v8/.test(path) && (whole || !/dist|binding/.test(path.slice(addon.length))),
  });
  if (whole)
    for (const at of [modules, join(modules, "@tensorflow")])
      for (const entry of readdirSync(at)) {
        const link = join(root, "node_modules", at === modules ? "" : "@tensorflow", entry);
        if (!existsSync(link) && !entry.startsWith(".")) symlinkSync(join(at, entry), link);
      }
  return root;
}

/** A folder of programs: these and no others. */
function programs(name: string, names: string[]): string {
  const bin = join(folder, name);
  mkdirSync(bin);
  for (const program of names)
    symlinkSync(spawnSync("which", [program], { encoding: "utf8" }).stdout.trim(), join(bin, program));
  return bin;
}

const hasCompiler = spawnSync("g++", ["--version"]).status === 0;
const tensorflow = join(repository, ".tf", "tensorflow");

/** One line that says what is missing, what is lost by it and what to do. */
function isFallback({ ok, said }: { ok: boolean; said: string[] }, reason: RegExp, remedy: RegExp): void {
  assert.is(ok, false);
  const line = said.at(-1)!;
  assert.match(line, reason);
  assert.match(line, /similarity runs on ONNX Runtime all the same, but not on a GPU/);
  assert.match(line, remedy);
  assert.is(said.filter((text) => /ONNX Runtime/.test(text)).length, 1);
}

test("Without a compiler there is one line, and no download", () => {
  const result = setUp(clone("no compiler"), { CXX: "/nowhere/g++" });
  assert.is(result.said.length, 1);
  isFallback(result, /no C\+\+ compiler/, /install g\+\+/);
});

test("Without npm ci there is one line", () => {
  mkdirSync(join(folder, "empty"));
  isFallback(setUp(join(folder, "empty"), {}), /not installed/, /npm ci/);
});

test("Without Python and uv there is one line", () => {
  if (!hasCompiler) return console.log("SKIPPED set-up without Python: no g++");
  const result = setUp(clone("no python"), { PATH: programs("bin", ["g++"]), PYTHON: "" });
  isFallback(result, /no Python with pip, and no uv/, /install python3/);
});

test("Without a network there is one line, and nothing half-downloaded", () => {
  if (!hasCompiler || spawnSync("python3", ["-m", "pip", "--version"]).status !== 0)
    return console.log("SKIPPED set-up without a network: no g++ or no pip");
  const root = clone("no network");
  const env = {
    PIP_INDEX_URL: "http://127.0.0.1:9/simple",
    PIP_EXTRA_INDEX_URL: "",
    PIP_FIND_LINKS: "",
    PIP_CONFIG_FILE: "/dev/null",
    PIP_NO_CACHE_DIR: "1",
    PYTHON: "python3",
  };
  isFallback(setUp(root, env), /could not be downloaded/, /network.*npm run setup/);
  assert.equal(readdirSync(join(root, ".tf")), []);
});

test("A TF_DIR that is no TensorFlow is said", () => {
  if (!hasCompiler) return console.log("SKIPPED set-up with a wrong TF_DIR: no g++");
  isFallback(setUp(clone("wrong"), { TF_DIR: folder }), /TF_DIR=.*has no libtensorflow_cc/, /point TF_DIR/);
});

test("A TensorFlow that lacks what the addon calls is refused, and leaves the addon as it was", () => {
  if (!hasCompiler || !existsSync(tensorflow))
    return console.log("SKIPPED set-up with an old wheel: no g++ or no .tf");
  const old = join(folder, "old");
  mkdirSync(old);
  symlinkSync(join(tensorflow, "include"), join(old, "include"));
  for (const name of ["libtensorflow_cc.so.2", "libtensorflow_framework.so.2"])
    spawnSync("g++", ["-shared", "-x", "c++", "/dev/null", "-o", join(old, name)]);
  const root = clone("old wheel", { whole: true });
  isFallback(setUp(root, { TF_DIR: old }), /does not (compile|load) \(/, /use TensorFlow 2\.\d+/);
  assert.equal(readdirSync(join(root, "node_modules/@tensorflow/tfjs-node-gpu/lib/napi-v8")), []);
});

test("In a path with spaces it builds, and the second time does nothing", () => {
  if (!hasCompiler || !existsSync(tensorflow))
    return console.log("SKIPPED building the addon: no g++ or no .tf");
  const root = clone("a clone");
  rmSync(root, { recursive: true });
  clone("a clone", { whole: true });
  symlinkSync(join(repository, ".tf"), join(root, ".tf"));
  const first = setUp(root, {});
  assert.ok(first.ok && first.changed, first.said.join("\n"));
  assert.match(first.said.at(-1)!, /native backend ready \(TensorFlow 2\./);
  assert.equal(setUp(root, {}), { ok: true, changed: false, said: [] });
  const binding = join(root, "node_modules/@tensorflow/tfjs-node-gpu/lib/napi-v8/tfjs_binding.node");
  const { status, stderr } = spawnSync(process.execPath, ["-e", `require(${JSON.stringify(binding)})`], {
    encoding: "utf8",
  });
  assert.equal([status, stderr], [0, ""], "it loads without a word on stderr");
  rmSync(dirname(binding), { recursive: true });
  assert.ok(
    setUp(root, { CXX: "/nowhere" }).said.at(-1)!.includes("no C++ compiler"),
    "what npm ci wiped is built anew",
  );
});

test.run();
