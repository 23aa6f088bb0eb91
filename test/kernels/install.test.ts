import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { isAbsolute, join } from "node:path";
import { Command } from "commander";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { installKernel, kernelCommand, uninstallKernel } from "../../src/cli/kernel.js";

const test = suite("install");
const folder = mkdtempSync(join(tmpdir(), "speakerscope-install-"));
const before = { ...process.env };
test.before.each(() => {
  process.env.JUPYTER_DATA_DIR = join(folder, "user");
  delete process.env.CONDA_PREFIX;
  delete process.env.VIRTUAL_ENV;
});
test.after(() => {
  process.env = before;
  rmSync(folder, { recursive: true, force: true });
});

const specIn = (path: string) => JSON.parse(readFileSync(join(path, "kernel.json"), "utf8"));

test("a kernelspec is installed for the user, for a prefix and for the active environment, and removed again", () => {
  process.env.VIRTUAL_ENV = join(folder, "venv");
  const places = [
    { place: {}, base: join(folder, "user") },
    { place: { user: true }, base: join(folder, "user") },
    { place: { prefix: join(folder, "prefix") }, base: join(folder, "prefix/share/jupyter") },
    { place: { sysPrefix: true }, base: join(folder, "venv/share/jupyter") },
  ];
  for (const { place, base } of places) {
    const target = installKernel(place);
    assert.is(target, join(base, "kernels/speakerscope"));
    assert.ok(existsSync(join(target, "logo-64x64.png")));
    assert.is(uninstallKernel(place), target);
    assert.not(existsSync(target));
  }
});

test("an installed kernelspec has absolute paths and nothing to replace but the connection file", () => {
  const { argv, env, interrupt_mode, metadata } = specIn(installKernel());
  const [node, flag, launcher, connection] = argv;
  assert.ok(isAbsolute(node) && existsSync(node));
  assert.is(flag, "--no-force-async-hooks-checks");
  assert.ok(isAbsolute(launcher));
  assert.is(connection, "{connection_file}");
  assert.not.match(JSON.stringify(argv), "resource_dir");
  assert.equal([interrupt_mode, metadata.debugger], ["message", false]);
  assert.is(env.ORT_DISABLE_TELEMETRY, "1", "also for a cell that loads ONNX Runtime itself");
});

test("what cannot be done is said", () => {
  assert.throws(
    () => installKernel({ user: true, prefix: "/x" }),
    /--user and --prefix name different places/,
  );
  assert.throws(() => installKernel({ sysPrefix: true }), /No Python environment is active/);
  assert.throws(() => uninstallKernel({ prefix: join(folder, "none") }), /No kernel is installed in/);
});

test("the command line has both", () => {
  const program = new Command().exitOverride();
  kernelCommand(program);
  const log = console.log;
  const said: string[] = [];
  console.log = (text: string) => said.push(text);
  try {
    for (const verb of ["install", "uninstall"])
      program.parse(["kernel", verb, "--prefix", join(folder, "cli")], { from: "user" });
  } finally {
    console.log = log;
  }
  assert.match(said[0], "installed the kernel");
  assert.match(said.at(-1)!, "removed");
});

test("an install says in one line that widgets need anywidget, unless it is there", () => {
  const lines = (prefix: string) => {
    const program = new Command().exitOverride();
    kernelCommand(program);
    const said: string[] = [];
    const { log } = console;
    console.log = (text: string) => said.push(text);
    try {
      program.parse(["kernel", "install", "--prefix", prefix], { from: "user" });
    } finally {
      console.log = log;
    }
    return said;
  };
  process.env.PATH = folder;
  const prefix = join(folder, "widgets");
  const [, hint, ...rest] = lines(prefix);
  assert.match(hint ?? "", "pip install anywidget");
  assert.equal(rest, []);
  for (const name of ["anywidget", "@jupyter-widgets/jupyterlab-manager"])
    mkdirSync(join(prefix, "share/jupyter/labextensions", name), { recursive: true });
  assert.is(lines(prefix).length, 1);
  // Beside the JupyterLab of the shell.
  mkdirSync(join(folder, "env/bin"), { recursive: true });
  symlinkSync(process.execPath, join(folder, "env/bin/jupyter-lab"));
  symlinkSync(join(prefix, "share"), join(folder, "env/share"));
  process.env.PATH = join(folder, "env/bin");
  assert.is(lines(join(folder, "other")).length, 1);
  process.env.PATH = before.PATH;
});

test.run();
