import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { isAbsolute, join } from "node:path";
import { Command } from "commander";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { installKernel, kernelCommand, uninstallKernel } from "../../src/cli/kernel.js";
import { Client, root } from "./client.js";

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

test("a packed tarball in an empty folder brings a kernel that runs there, toolkit and types included", async () => {
  const project = join(folder, "project");
  const modules = join(project, "node_modules");
  const home = join(modules, "speakerscope");
  mkdirSync(home, { recursive: true });
  const [{ filename }] = JSON.parse(
    execFileSync("npm", ["pack", "--json", "--pack-destination", folder], {
      cwd: root,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }),
  );
  execFileSync("tar", ["-xzf", join(folder, filename), "-C", home, "--strip-components=1"]);
  // What npm would install of its dependencies and nothing else, linked instead of downloaded: tests need no network.
  const { dependencies } = JSON.parse(readFileSync(join(home, "package.json"), "utf8"));
  for (const name of installedBy(Object.keys(dependencies))) {
    mkdirSync(join(modules, name, ".."), { recursive: true });
    symlinkSync(join(root, "node_modules", name), join(modules, name));
  }
  for (const absent of ["danfojs-node", "@tensorflow/tfjs-node-gpu"])
    assert.not(existsSync(join(modules, absent)));
  const install = spawnSync(
    process.execPath,
    [
      "-e",
      `console.log(require(${JSON.stringify(join(home, "dist/src/cli/kernel.js"))}).installKernel({ prefix: ${JSON.stringify(project)} }))`,
    ],
    { encoding: "utf8" },
  );
  assert.is(install.status, 0, install.stderr);
  const { argv } = specIn(install.stdout.trim());
  assert.ok(argv[2].startsWith(home), argv[2]);
  const elsewhere = join(folder, "elsewhere");
  mkdirSync(elsewhere);
  for (const cwd of [project, elsewhere]) {
    const client = await Client.start({ argv: argv.slice(0, -1), cwd });
    try {
      const code = `import { ScopeError, type Matrix } from "speakerscope";
import { display } from "speakerscope/kernel";
const m: Matrix = { data: new Float32Array(2), rows: 1, columns: 2 };
[new ScopeError("missing", "A sentence.").tag, require.resolve("speakerscope"), m.rows, typeof display]`;
      const value = (await client.value(code))?.replace(/\s+/g, " ");
      assert.match(value ?? "", /^\[ 'missing', '.*\/speakerscope\/dist\/src\/index.js', 1, 'function' \]$/);
      assert.match(value ?? "", home);
      const wrong = await client.run("const wrong: string = new ScopeError('missing', 'a').tag.length");
      assert.match(wrong.reply.evalue, "not assignable to type 'string'");
    } finally {
      await client.close();
    }
  }
});

/** The packages that these and their own dependencies need, as far as they lie at the top. */
function installedBy(names: string[]): Set<string> {
  const found = new Set(names);
  for (const name of found) {
    const path = join(root, "node_modules", name, "package.json");
    if (!existsSync(path)) continue;
    const { dependencies = {}, optionalDependencies = {} } = JSON.parse(readFileSync(path, "utf8"));
    for (const next of Object.keys({ ...dependencies, ...optionalDependencies }))
      if (existsSync(join(root, "node_modules", next))) found.add(next);
  }
  return found;
}

test.run();
