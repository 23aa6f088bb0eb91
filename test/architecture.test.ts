import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";

const root = join(__dirname, "..");

/** Rooms from left to right: an import may point to the left, or stay in its room. */
const order = [
  ["types", "errors", "shared"],
  ["show"],
  ["util"],
  ["vectors"],
  ["format"],
  ["tables"],
  ["runtime"],
  ["audio"],
  ["corpus"],
  ["features"],
  ["models"],
  ["embed"],
  ["vad"],
  ["checks"],
  ["store"],
  ["extract"],
  ["similarity"],
  ["comparison"],
  ["merged"],
  ["merge"],
  ["scoring"],
  ["analysis"],
  ["decisions"],
  ["audit"],
  ["cluster"],
  ["charts", "listen"],
  ["review"],
  ["pipeline"],
  ["index", "cli"],
];

/** Heavy packages, and the one place that may load each. */
const homes: Record<string, RegExp> = {
  "onnxruntime-node": /^src\/runtime\//,
  "@tensorflow/tfjs": /^src\/(runtime|similarity)\//,
  "ml-matrix": /^src\/vectors\/principal-axes\.ts$/,
  "danfojs-node": /^src\/analysis\/to-data-frame\.ts$/,
  vega: /^src\/charts\//,
  "vega-lite": /^src\/charts\//,
  "@resvg/resvg-js": /^src\/charts\//,
  tslab: /^kernels\//,
  zeromq: /^kernels\//,
  commander: /^src\/cli\//,
  "cli-progress": /^src\/cli\//,
};

const sources = ["src", "kernels"].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true })
    .map((name) => join(folder, String(name)))
    .filter((name) => name.endsWith(".ts") && !name.endsWith(".d.ts")),
);

/** What a file imports: `import ... from`, `export ... from`, `import(...)`, `require(...)`. */
function importsOf(file: string): string[] {
  const text = readFileSync(join(root, file), "utf8");
  return [...text.matchAll(/(?:from\s+|import\(|require\(|^import\s+)"([^"]+)"/gm)].map((match) => match[1]!);
}

const roomOf = (file: string) => relative("src", file).split("/")[0]!.replace(/\.ts$/, "");
const rankOf = (room: string) => order.findIndex((rooms) => rooms.includes(room));
const resolved = (file: string, target: string) => join(dirname(file), target).replace(/\.js$/, ".ts");

test("every folder of src has its place in the order", () => {
  const strangers = sources.filter((file) => file.startsWith("src/") && rankOf(roomOf(file)) < 0);
  assert.equal(strangers, []);
  assert.ok(sources.length > 30);
});

test("imports point left only", () => {
  const wrong: string[] = [];
  for (const file of sources.filter((name) => name.startsWith("src/")))
    for (const target of importsOf(file).filter((name) => name.startsWith("."))) {
      const to = resolved(file, target);
      if (to.startsWith("src/") && rankOf(roomOf(to)) > rankOf(roomOf(file))) wrong.push(`${file} -> ${to}`);
    }
  assert.equal(wrong, []);
});

test("the kernel and the toolkit share one folder and import nothing else of each other", () => {
  const wrong = sources.flatMap((file) =>
    importsOf(file)
      .filter((name) => name.startsWith("."))
      .map((target) => resolved(file, target))
      .filter((to) => file.startsWith("src/") !== to.startsWith("src/") && !to.startsWith("src/shared/"))
      // The command line installs the kernel, so it alone may reach over.
      .filter(() => !file.startsWith("src/cli/"))
      .map((to) => `${file} -> ${to}`),
  );
  assert.equal(wrong, []);
});

test("no file imports itself by a detour, not for types alone either", () => {
  const graph = new Map(
    sources.map((file) => [
      file,
      importsOf(file)
        .filter((name) => name.startsWith("."))
        .map((target) => resolved(file, target)),
    ]),
  );
  const cycles: string[] = [];
  const state = new Map<string, "open" | "done">();
  const visit = (file: string, path: string[]) => {
    if (state.get(file) === "done") return;
    if (state.get(file) === "open") {
      cycles.push([...path.slice(path.indexOf(file)), file].join(" -> "));
      return;
    }
    state.set(file, "open");
    for (const next of graph.get(file) ?? []) visit(next, [...path, file]);
    state.set(file, "done");
  };
  for (const file of sources) visit(file, []);
  assert.equal(cycles, []);
});

test("only one folder loads each heavy package", () => {
  const wrong: string[] = [];
  for (const file of sources)
    for (const target of importsOf(file))
      for (const [name, home] of Object.entries(homes))
        if (
          (target === name || target.startsWith(`${name}/`) || target.startsWith(`${name}-`)) &&
          !home.test(file) &&
          !ownHome(target, file)
        )
          wrong.push(`${file} loads ${target}`);
  assert.equal(wrong, []);
});

test("the package loads by require and by import, and loads nothing heavy", () => {
  const { spawnSync } = require("node:child_process") as typeof import("node:child_process");
  const heavy = Object.keys(homes).filter((name) => name !== "commander");
  const code = `
    const byRequire = require("speakerscope");
    import("speakerscope").then((byImport) => {
      const loaded = Object.keys(require.cache).filter((path) => ${JSON.stringify(heavy)}.some((name) => path.includes("/node_modules/" + name + "/")));
      console.log(JSON.stringify({ same: byImport.scan === byRequire.scan && typeof byRequire.scan === "function", loaded }));
    });`;
  const { stdout, stderr } = spawnSync(process.execPath, ["-e", code], { cwd: root, encoding: "utf8" });
  assert.is(stderr, "");
  assert.equal(JSON.parse(stdout), { same: true, loaded: [] });
});

/** `vega` is a prefix of `vega-lite`: the longer name decides. */
function ownHome(target: string, file: string): boolean {
  return Object.entries(homes).some(
    ([name, home]) => (target === name || target.startsWith(`${name}/`)) && home.test(file),
  );
}

test.run();
