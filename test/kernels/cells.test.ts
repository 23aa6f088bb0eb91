import { rmSync, utimesSync } from "node:fs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { Client, notebookFolder } from "./client.js";

const test = suite("cells");
const { folder, write } = notebookFolder("cells");
let client: Client;

test.before(async () => {
  write("local.ts", "export interface Row { a: number }\nexport const row: Row = { a: 1 };\n");
  write(
    "common.cjs",
    "module.exports = { answer: 41, loads: (globalThis.loads = (globalThis.loads ?? 0) + 1) };\n",
  );
  write("data.json", '{ "list": [1, 2], "name": "json" }\n');
  write(
    "esm.mjs",
    "export default function greet(name) { return 'hi ' + name; }\nexport const late = await Promise.resolve(5);\n",
  );
  write(
    "esm.d.mts",
    "export default function greet(name: string): string;\nexport declare const late: number;\n",
  );
  write(
    "node_modules/only-esm/package.json",
    '{ "name": "only-esm", "version": "1.0.0", "type": "module", "exports": { "import": { "types": "./index.d.ts", "default": "./index.js" } } }',
  );
  write(
    "node_modules/only-esm/index.js",
    "await 0;\nexport const kind = 'esm';\nexport default class Thing { size = 3 }\n",
  );
  write(
    "node_modules/only-esm/index.d.ts",
    "export const kind: string;\nexport default class Thing { size: number }\n",
  );
  write("node_modules/untyped/package.json", '{ "name": "untyped", "version": "1.0.0", "main": "index.js" }');
  write("node_modules/untyped/index.js", "exports.x = 1;\n");
  write("build/index.js", "exports.version = require('./inner.js').version;\n");
  write("build/index.d.ts", "export const version: number;\n");
  write("build/inner.js", "exports.version = 1;\n");
  client = await Client.start({ cwd: folder });
});
test.after(async () => {
  await client.close();
  rmSync(folder, { recursive: true, force: true });
});

const fails = async (code: string) => {
  const { reply } = await client.run(code);
  assert.is(reply.status, "error", code);
  return reply as { ename: string; evalue: string };
};

test("const, let, class, function, enum, type and imports are declared again by running their cell again", async () => {
  const cell = `import { basename } from "node:path";
const c = 1; let l = [1]; class K { v = 1 } function f() { return 1 } enum E { A } interface I { a: number } type T = I;`;
  for (let i = 0; i < 2; i++) assert.is((await client.run(cell)).reply.status, "ok");
  await client.run(
    "const c = 'text'; class K { w = 'w' } function f() { return 'f' } interface I { b: string }",
  );
  assert.is(
    await client.value("const i: I = { b: c.toUpperCase() }; [i.b, new K().w, f()]"),
    "[ 'TEXT', 'w', 'f' ]",
  );
  assert.match((await fails("new K().v")).evalue, "Property 'v' does not exist");
});

test("functions of earlier cells see what later cells assign", async () => {
  await client.run("let counter = 1; const read = () => counter; function read2() { return { counter } }");
  await client.run("counter = 2");
  assert.is(
    await client.value("[read(), read2(), counter++, counter, read()]"),
    "[ 2, { counter: 2 }, 2, 3, 3 ]",
  );
  await client.run("let counter = 10");
  assert.is(await client.value("read()"), "10");
});

test("names of earlier cells work in shorthand, destructuring, templates, default values and closures", async () => {
  await client.run("let a1 = 1; let b1 = 2; const o1 = { a1: 5, b1: 6 };");
  assert.is(await client.value("({ a1, b1 })"), "{ a1: 1, b1: 2 }");
  await client.run("({ a1, b1 } = o1)");
  assert.is(await client.value(`\`\${a1}\${((x = b1) => x)()}\``), "'56'");
  assert.is(await client.value("const { a1: renamed, ...rest } = o1; [renamed, rest]"), "[ 5, { b1: 6 } ]");
  await client.run("[a1, b1] = [b1, a1]");
  assert.is(await client.value("[a1, b1]"), "[ 6, 5 ]");
});

test("a failed cell keeps what it had declared, with its types", async () => {
  await client.run("let old = 'old'; let both = 'before';");
  await fails(
    "const list: string[] = ['a']; let both = 1; function helper() { return 7 }; throw new Error('x'); let old = 5; const unreached = 1;",
  );
  assert.is(await client.value("list[0].toUpperCase() + both.toFixed(1) + helper()"), "'A1.07'");
  assert.is(await client.value("old.toUpperCase()"), "'OLD'", "not reached: value and type of before");
  assert.match((await fails("unreached")).evalue, "Cannot find name 'unreached'");
  assert.match((await fails("list.push(1)")).evalue, "not assignable to parameter of type 'string'");
  await fails(
    "const early = await Promise.resolve({ n: 1 }); await Promise.reject(new Error('late')); const later = 2",
  );
  assert.is(await client.value("early.n"), "1");
});

test("top-level await and for await", async () => {
  assert.is(await client.value("const v = await Promise.resolve(3); v"), "3");
  assert.is(
    await client.value(
      "async function* g() { yield 1; yield 2 }\nlet total = 0; for await (const x of g()) total += x;\ntotal",
    ),
    "3",
  );
  assert.is(await client.value("[await 1, await 2]"), "[ 1, 2 ]");
  assert.match(
    (await fails("function notAsync() { await 1 }")).evalue,
    "'await' expressions are only allowed",
  );
});

test("strict types: null is not a string, and a parameter needs a type", async () => {
  assert.match((await fails("function n(a: string | null) { return a.length }")).evalue, "possibly 'null'");
  assert.match((await fails("function n(a) { return a }")).evalue, "implicitly has an 'any' type");
});

test("types that cannot be named from outside are no error", async () => {
  const code =
    "function make() { class Hidden { private secret = 1; shown = 2 } return new Hidden() }\nconst made = make(); const key = Symbol('k'); const keyed = { [key]: 1 };";
  assert.is((await client.run(code)).reply.status, "ok");
  assert.is(await client.value("made.shown"), "2");
});

test("an unhandled rejection and an uncaught exception fail their cell", async () => {
  assert.is((await fails("Promise.reject(new RangeError('lost')); 1")).evalue, "lost");
  assert.is(
    (
      await fails(
        "setTimeout(() => { void Promise.reject(new RangeError('lost2')) }, 20); await new Promise(r => setTimeout(r, 2000))",
      )
    ).evalue,
    "lost2",
  );
  assert.is(
    (
      await fails(
        "setTimeout(() => { throw new RangeError('thrown') }, 20); await new Promise(r => setTimeout(r, 2000))",
      )
    ).ename,
    "RangeError",
  );
  assert.is((await fails("throw 'text'")).evalue, "'text'");
});

test("what fails after its cell is printed", async () => {
  await client.run("setTimeout(() => { throw new Error('afterwards') }, 50)");
  await client.until(() =>
    client.iopub.some((m) => m.type === "stream" && /afterwards/.test(m.content.text)),
  );
  assert.is(await client.value("1"), "1");
});

test("ES modules, CommonJS, JSON and TypeScript files are imported", async () => {
  const code = `import greet, { late } from "./esm.mjs";
import Thing, { kind } from "only-esm";
import * as all from "only-esm";
import common from "./common.cjs";
import data from "./data.json";
import { row, type Row } from "./local";
import { x } from "untyped";
import fs, { existsSync } from "node:fs";
const copy: Row = row;
[greet("you"), late, kind, new Thing().size, all.kind, common.answer, data.list, copy.a, x, fs.existsSync === existsSync]`;
  assert.is(
    (await client.value(code))?.replace(/\s+/g, " "),
    "[ 'hi you', 5, 'esm', 3, 'esm', 41, [ 1, 2 ], 1, 1, true ]",
  );
  assert.is(
    await client.value("[(await import('only-esm')).kind, (await import('./common.cjs')).default.answer]"),
    "[ 'esm', 41 ]",
  );
  assert.is(await client.value("[kind, data.name]"), "[ 'esm', 'json' ]", "in a later cell");
});

test("a TypeScript file may export another one under a name", async () => {
  write("inner.ts", "export const one = 1;\n");
  write("outer.ts", 'export * as inner from "./inner";\n');
  assert.is(await client.value('import { inner } from "./outer"; inner.one'), "1");
});

test("a file with top-level await beside the notebook fails with what to do instead", async () => {
  write("waits.ts", "export const waited = await Promise.resolve(1);\n");
  for (const code of ['import { waited } from "./waits"; waited', 'await import("./waits")'])
    assert.match(
      (await fails(code)).evalue,
      /^waits.ts uses top-level await, .* Move it into an exported async function/,
    );
});

test("a changed TypeScript file and a changed build are picked up by importing again", async () => {
  const cell =
    "import { version } from './build/index.js'; import { row as again } from './local'; [version, again.a]";
  assert.is(await client.value(cell), "[ 1, 1 ]");
  const soon = new Date(Date.now() + 5000);
  utimesSync(write("build/inner.js", "exports.version = 2;\n"), soon, soon);
  write("local.ts", "export interface Row { a: number }\nexport const row: Row = { a: 2 };\n");
  await client.until(async () => (await client.value(cell)) === "[ 2, 2 ]");
});

test("a package that was missing is found once it is installed", async () => {
  assert.match((await fails("import { fresh } from 'fresh-package'")).evalue, "Cannot find module");
  write("node_modules/fresh-package/index.js", "exports.fresh = 8;\n");
  write("node_modules/fresh-package/index.d.ts", "export const fresh: number;\n");
  write("node_modules/fresh-package/package.json", '{ "name": "fresh-package", "main": "index.js" }');
  const cell = "import { fresh } from 'fresh-package'; fresh.toFixed(1)";
  await client.until(async () => (await client.value(cell).catch(() => "")) === "'8.0'");
  assert.is(await client.value(cell), "'8.0'");
});

test("a module cell is imported by its name", async () => {
  await client.run("/** @module shapes */\nexport const area = (r: number) => r * r;");
  assert.is(await client.value("import { area } from './shapes'; area(3)"), "9");
});

test("the toolkit and its types are found from any folder", async () => {
  assert.is(
    await client.value(
      "import { ScopeError, type Matrix } from 'speakerscope'; const m: Matrix = { data: new Float32Array(2), rows: 1, columns: 2 }; new ScopeError('missing', 'a').tag",
    ),
    "'missing'",
  );
  assert.match(
    (await fails("import { nothingLikeThis } from 'speakerscope'")).evalue,
    "has no exported member",
  );
});

test("unicode names and text stay what they are", async () => {
  assert.is(await client.value("const größe = 'ü😀'; größe"), "'ü😀'");
  assert.is(await client.value("größe.length"), "3");
});

test("process.stdout.end writes its text, calls back, and leaves the stream open", async () => {
  const { stdout } = await client.run(
    'await new Promise<void>((done) => process.stdout.end("the end\\n", done)); process.stdout.write("and on\\n");',
  );
  assert.is(stdout, "the end\nand on\n");
});

test("magics", async () => {
  const out = async (code: string) => (await client.run(code)).stdout;
  assert.is(await out("%pwd"), `${folder}\n`);
  assert.match(await out("%env SPK_TEST=12\n%env SPK_TEST\nconsole.log(process.env.SPK_TEST)"), "12\n12\n");
  assert.match(await out("%time const timed = [1, 2]"), /CPU time: .* wall time: /);
  assert.is(await client.value("timed"), "[ 1, 2 ]");
  const value = await client.run("%time timed.length");
  assert.is(value.messages.find((m) => m.type === "execute_result")?.content.data["text/plain"], "2");
  assert.match(await out("%%time\nconst cellTimed = 1"), /wall time/);
  const shell = await client.run("const before = 1\n!echo out; echo err >&2\nconst behind = 2");
  assert.equal([shell.stdout, shell.stderr], ["out\n", "err\n"]);
  assert.is(await client.value("before + behind"), "3");
  const [who] = (await client.run("%who")).messages;
  assert.match(who.content.data["text/plain"], /^name +type +shape +size\n[\s\S]*timed +number\[\] +2 +16 B/);
  assert.match((await client.run("?timed")).messages[0].content.data["text/plain"], "const timed: number[]");
  assert.match((await client.run("timed?")).messages[0].content.data["text/plain"], "const timed: number[]");
  const page = (await client.run("?speakerscope")).messages[0].content.data["text/markdown"];
  assert.match(page, /^# The API/);
  assert.match(page, "| `scan(root, options)` | Lists the audio files");
  const { reply } = await client.run("%load local.ts");
  assert.is(reply.payload[0].source, "set_next_input");
  assert.match(reply.payload[0].text, "export const row");
  assert.is(await client.value("const text = `\n%pwd\n`; text"), "'\\n%pwd\\n'", "not inside a template");
  assert.is(await client.value("!timed"), "false", "a negation of a variable is TypeScript");
  assert.match((await fails("%nonsense")).evalue, "unknown magic");
  await client.run("%cd ..\n");
  await client.run("%reset");
  assert.is(await out("%who"), "no variables\n");
  assert.match((await fails("cellTimed")).evalue, "Cannot find name");
  await client.run(`%cd ${folder}`);
});

test.run();
