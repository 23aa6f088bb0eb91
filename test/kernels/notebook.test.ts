import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { python } from "../python.js";
import { freePorts, root, sleep } from "./client.js";

const test = suite("notebook");
const folder = mkdtempSync(join(tmpdir(), "speakerscope-notebook-"));
test.after(() => rmSync(folder, { recursive: true, force: true }));

const env = {
  ...process.env,
  JUPYTER_PATH: root,
  SPEAKERSCOPE_HISTORY: join(folder, "history.jsonl"),
  NO_COLOR: "1",
  PYDEVD_DISABLE_FILE_VALIDATION: "1",
};
const run = (args: string[], timeout = 240_000) =>
  spawnSync(python ?? "python3", args, { encoding: "utf8", cwd: folder, env, timeout });
/** Asked once, and without importing them, which takes seconds. */
const modules = [
  "jupyter_client",
  "jupyter_kernel_test",
  "jupyterlab",
  "nbconvert",
  "papermill",
  "speakerscope_papermill",
] as const;
const isThere = "import importlib.util, sys; print(*map(importlib.util.find_spec, sys.argv[1:]), sep='\\n')";
const found = python === null ? [] : run(["-c", isThere, ...modules]).stdout.split("\n");
const has = (module: (typeof modules)[number]) => found[modules.indexOf(module)]?.startsWith("ModuleSpec");
const skip = (what: string, module: string) =>
  console.log(`SKIPPED ${what}: the Python environment has no ${module} (npm run setup makes one)`);

interface Output {
  output_type: string;
  name?: string;
  text?: string | string[];
  ename?: string;
  traceback?: string[];
  data?: Record<string, string | string[]>;
}

function writeNotebook(name: string, cells: (string | { source: string; tags: string[] })[]): string {
  const path = join(folder, name);
  const made = cells.map((cell, i) => ({
    cell_type: "code",
    id: `c${i}`,
    execution_count: null,
    metadata: typeof cell === "string" ? {} : { tags: cell.tags },
    outputs: [],
    source: typeof cell === "string" ? cell : cell.source,
  }));
  const kernelspec = {
    name: "speakerscope",
    display_name: "TypeScript (speakerscope)",
    language: "typescript",
  };
  writeFileSync(
    path,
    JSON.stringify({ nbformat: 4, nbformat_minor: 5, metadata: { kernelspec }, cells: made }),
  );
  return path;
}

const outputsOf = (path: string): Output[][] =>
  JSON.parse(readFileSync(path, "utf8")).cells.map((cell: { outputs: Output[] }) => cell.outputs);
const joined = (text: string | string[] | undefined) => (Array.isArray(text) ? text.join("") : (text ?? ""));

test("jupyter finds the kernel without an install, with its logos", () => {
  if (!has("jupyter_client")) return skip("the kernelspec", "jupyter_client");
  const { stdout } = run(["-m", "jupyter", "kernelspec", "list", "--json"]);
  const { speakerscope } = JSON.parse(stdout).kernelspecs;
  assert.is(speakerscope.resource_dir, join(root, "kernels/speakerscope"));
  for (const logo of ["logo-32x32.png", "logo-64x64.png", "logo-svg.svg"])
    assert.ok(readFileSync(join(speakerscope.resource_dir, logo)).length > 100, logo);
});

test("jupyter_kernel_test passes, with nothing skipped but the pager", () => {
  if (!has("jupyter_kernel_test")) return skip("jupyter_kernel_test", "jupyter_kernel_test");
  const { stdout, stderr } = run(["-W", "ignore", join(__dirname, "protocol_suite.py")]);
  const told = JSON.parse(stdout.trim().split("\n").at(-1) ?? "{}");
  assert.equal(told.failed, [], stderr);
  assert.is(told.ran, 13);
  assert.equal(told.skipped.length, 1);
  assert.match(told.skipped[0], "test_pager");
});

test("nbconvert --execute keeps outputs, counts, the final state of a progress bar and the HTML of a widget", () => {
  if (!has("nbconvert")) return skip("nbconvert", "nbconvert");
  const path = writeNotebook("good.ipynb", [
    "const rows = [{ a: 1 }]; rows",
    "console.log('out'); console.error('err'); rows.length",
    `import { progress } from "speakerscope/kernel";
const bar = progress("extract");
for (let i = 0; i <= 200; i++) {
  for (const rank of [0, 1, 2]) bar({ stage: "extract", rank, done: i, total: 200 });
  await new Promise((r) => setTimeout(r, 5));
}`,
    `import { widget } from "speakerscope/kernel";
widget({ esm: "export default {}", html: "<i>in its place</i>" })`,
  ]);
  const { status, stderr } = run([
    "-m",
    "nbconvert",
    "--to",
    "notebook",
    "--execute",
    "--output",
    "done.ipynb",
    path,
  ]);
  assert.is(status, 0, stderr);
  const [first, second, third, fourth] = outputsOf(join(folder, "done.ipynb"));
  assert.match(joined(first[0].data?.["text/html"]), "<table");
  assert.equal(
    second.map((o) => [o.output_type, o.name, joined(o.text)]),
    [
      ["stream", "stdout", "out\n"],
      ["stream", "stderr", "err\n"],
      ["execute_result", undefined, ""],
    ],
  );
  assert.equal(Object.keys(fourth[0].data ?? {}), ["text/html", "text/plain"], "a widget's HTML alone");
  assert.is(third.length, 1, "three bars are one output");
  const text = joined(third[0].data?.["text/plain"]);
  for (const rank of [0, 1, 2]) assert.match(text, `extract rank ${rank}  200/200  100 %`);
  assert.is(joined(third[0].data?.["text/html"]).match(/<progress max="200" value="200"/g)?.length, 3);
});

test("nbconvert and papermill fail with the cell's traceback", () => {
  if (!has("nbconvert")) return skip("nbconvert's failure", "nbconvert");
  const path = writeNotebook("bad.ipynb", [
    "1",
    "const n: number = 2;\nthrow new RangeError('too far')",
    "3",
  ]);
  const converted = run([
    "-m",
    "nbconvert",
    "--to",
    "notebook",
    "--execute",
    "--output",
    "bad-done.ipynb",
    path,
  ]);
  assert.is.not(converted.status, 0);
  assert.match(converted.stderr, "RangeError: too far");
  assert.match(converted.stderr, "cell[2]:2:7");
  if (!has("papermill")) return skip("papermill's failure", "papermill");
  const milled = run(["-m", "papermill", path, join(folder, "bad-milled.ipynb")]);
  assert.is.not(milled.status, 0);
  assert.match(milled.stderr, "RangeError: too far");
});

test("npm run lab serves JupyterLab with the kernel", async () => {
  if (!has("jupyterlab")) return skip("JupyterLab", "jupyterlab");
  const port = (await freePorts(1))[0];
  const options = ["--no-browser", `--port=${port}`, "--IdentityProvider.token=word", "--allow-root"];
  const lab = spawn(process.execPath, [join(root, "scripts/lab.mjs"), ...options], {
    env,
    detached: true,
    stdio: ["ignore", "ignore", "pipe"],
  });
  let log = "";
  lab.stderr.on("data", (text) => {
    log += text;
  });
  try {
    const get = (path: string) =>
      fetch(`http://127.0.0.1:${port}${path}`, { headers: { authorization: "token word" } });
    let specs: Response | undefined;
    for (const deadline = Date.now() + 90_000; !specs?.ok && Date.now() < deadline; await sleep(300))
      specs = await get("/api/kernelspecs").catch(() => undefined);
    assert.ok(specs?.ok, log);
    const { kernelspecs } = (await specs.json()) as {
      kernelspecs: Record<string, { spec: { language: string }; resources: Record<string, string> }>;
    };
    assert.is(kernelspecs.speakerscope.spec.language, "typescript");
    assert.ok((await get(kernelspecs.speakerscope.resources["logo-64x64"])).ok);
    assert.match(await (await get("/lab/tree/notebooks")).text(), "JupyterLab");
  } finally {
    process.kill(-(lab.pid as number), "SIGKILL");
  }
});

test("with errors allowed the cells behind an error run", () => {
  if (!has("nbconvert")) return skip("--allow-errors", "nbconvert");
  const path = writeNotebook("allowed.ipynb", ["throw new Error('x')", "'behind'"]);
  const { status } = run([
    "-m",
    "nbconvert",
    "--to",
    "notebook",
    "--execute",
    "--allow-errors",
    "--output",
    "allowed-done.ipynb",
    path,
  ]);
  assert.is(status, 0);
  const [first, second] = outputsOf(join(folder, "allowed-done.ipynb"));
  assert.is(first[0].ename, "Error");
  assert.is(joined(second[0].data?.["text/plain"]), "'behind'");
});

test("papermill puts parameters into a TypeScript cell, of every type that it has", () => {
  if (!has("papermill")) return skip("papermill", "papermill");
  if (!has("speakerscope_papermill")) return skip("papermill parameters", "speakerscope_papermill");
  const path = writeNotebook("parameters.ipynb", [
    { source: "let threshold = 0.5;\nlet name = 'none';\nlet list: number[] = [];", tags: ["parameters"] },
    "[threshold.toFixed(2), name.length, typeof flag, missing]",
    "({ list, deep })",
  ]);
  const parameters = join(folder, "parameters.yaml");
  writeFileSync(
    parameters,
    "list: [1, 2]\ndeep: {a: ['x', null], 'b c': 1.5e+300}\nflag: true\nmissing: null\n",
  );
  const out = join(folder, "milled.ipynb");
  const { status, stderr } = run([
    "-m",
    "papermill",
    path,
    out,
    "-p",
    "threshold",
    "0.75",
    "-p",
    "name",
    'a "q" é\n',
    "-f",
    parameters,
  ]);
  assert.is(status, 0, stderr);
  const results = outputsOf(out).flat();
  assert.is(joined(results[0].data?.["text/plain"]), "[ '0.75', 8, 'boolean', null ]");
  assert.is(
    joined(results[1].data?.["text/plain"]).replace(/\s+/g, " "),
    "{ list: [ 1, 2 ], deep: { a: [ 'x', null ], 'b c': 1.5e+300 } }",
  );
});

test.run();
