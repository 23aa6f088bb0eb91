import { rmSync } from "node:fs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { Client, notebookFolder } from "./client.js";

const test = suite("language");
const { folder, write } = notebookFolder("language");
let client: Client;

test.before(async () => {
  write("circle1.ts", "import { b } from './circle2'; export const a = 'a'; export const getB = () => b;");
  write("circle2.ts", "import { a } from './circle1'; export const b = 'b'; export const getA = () => a;");
  write("circle2-again.ts", "export * from './circle1'; export { getA as other } from './circle2';");
  write("pkg/index.ts", "import { z } from './inner'; export const y = z + 1;");
  write("pkg/inner.ts", "export const z = 1;");
  write("manifest/package.json", '{ "main": "lib/main.ts", "types": "lib/main.ts" }');
  write("manifest/lib/main.ts", "export const main = 'main';");
  write(
    "h.ts",
    "export default function d() { return 'default' }\nexport enum E { A = 1 }\nexport const v = 2;",
  );
  write(
    "sub/far.ts",
    "export const load = async () => (await import('../h')).v;\nexport const where = __dirname;",
  );
  write("j.json", '{ "k": [1] }');
  write("esm/index.mjs", "export const from = 'esm';");
  write("esm/index.d.mts", "export const from: string;");
  write("uses-esm.ts", "import { from } from './esm/index.mjs'; export const twice = from + from;");
  write("plain.js", "export const plain = 'js';");
  write("bad.ts", "export const n: number = 'text';");
  write("throws.ts", "export function fall(): never {\n  throw new RangeError('from the file');\n}");
  client = await Client.start({ cwd: folder });
});
test.after(async () => {
  await client.close();
  rmSync(folder, { recursive: true, force: true });
});

const fails = async (code: string) => {
  const { reply } = await client.run(code);
  assert.is(reply.status, "error", code);
  return reply;
};
const runs = async (code: string) => {
  const { reply, stdout, stderr } = await client.run(code);
  assert.is(reply.status, "ok", reply.traceback?.join("\n"));
  return { stdout, stderr };
};
const complete = (code: string, at = code.length) =>
  client.ask("shell", "complete_request", { code, cursor_pos: at });

test("code nested 1,500 deep runs or fails alone, in a cell, a completion and an inspection", async () => {
  await runs("const abc = 5; function f(x: any): any { return x }");
  const deep = (open: string, close: string, inner = "") => open.repeat(1500) + inner + close.repeat(1500);
  assert.is((await complete("{".repeat(2000))).status, "ok");
  assert.is((await complete(deep("f(() => {", "", "ab"))).status, "ok");
  const code = deep("(", "", "abc");
  const found = await client.ask("shell", "inspect_request", {
    code,
    cursor_pos: code.length,
    detail_level: 0,
  });
  assert.match(found.data["text/plain"], "const abc: 5");
  assert.is(
    (await client.ask("shell", "is_complete_request", { code: "{".repeat(2000) })).status,
    "incomplete",
  );
  const cells = [
    deep("(", ")", "abc"),
    deep("`${", "}`", "abc"),
    deep("if (abc) {", "}"),
    deep("f(() => {", "})"),
    deep("[", "]"),
    `let x: ${deep("Array<", ">", "1")}`,
  ];
  for (const code of cells) {
    // The compiler gets through them all; what Node.js makes of the code depends on its version.
    const { reply } = await client.run(code);
    assert.ok(reply.status === "ok" || /nested too deeply for Node\.js/.test(reply.evalue), reply.evalue);
  }
  await fails(deep("{", ""));
  assert.is(await client.value("abc + 1"), "6");
});

test("5,000 terms and 3,000 chained calls compile", async () => {
  assert.is(await client.value(`const sum = "a"${'+"b"'.repeat(5000)}; sum.length`), "5001");
  assert.is(await client.value(`const trimmed = "x"${".trim()".repeat(3000)}; trimmed`), "'x'");
});

test("export in a cell says nothing", async () => {
  await runs("export const x = 1\nexport let mutable = 1\nexport function inc() { return ++mutable }");
  await runs("export interface I { a: number }\nexport type T = I[]\nexport enum Color { Red = 'r' }");
  await runs(
    "export class K { v = x }\nexport abstract class Base {}\nexport namespace N { export const q = 1 }",
  );
  assert.is(
    await client.value("const list: T = [{ a: x }]; [list, inc(), mutable, new K().v, Color.Red, N.q]"),
    "[ [ { a: 1 } ], 2, 2, 1, 'r', 1 ]",
  );
  await runs("export { x, inc as other }; export type { I }");
  await runs("export default function named() { return 'named' }");
  assert.is(await client.value("named()"), "'named'");
  assert.is(await client.value("export default x + 1"), "2");
  for (const code of [
    "export default { a: 1 }",
    "export default class {}",
    "export default () => 1",
    "export {}",
  ])
    await runs(code);
  await runs("export { v as renamed } from './h'; export * as everything from './h'; export * from './h'");
  assert.is(await client.value("[renamed, everything.v]"), "[ 2, 2 ]");
});

test("declare global and declare module hold from cell to cell, and are declared again", async () => {
  await runs("declare global { var gg: number; interface Array<T> { second(): T } }");
  await runs("globalThis.gg = 4; Array.prototype.second = function () { return this[1] }");
  assert.is(await client.value("[gg, ['a', 'b'].second().toUpperCase()]"), "[ 4, 'B' ]");
  await runs("declare global { var gg: string }\ngg = 'text'");
  assert.is(await client.value("gg.toUpperCase()"), "'TEXT'");
  await runs("delete (Array.prototype as any).second");
  await runs("import * as h from './h'; declare module './h' { interface Added { z: number } }");
  assert.is(await client.value("const added: h.Added = { z: 1 }; added.z"), "1");
});

test("var in loops and blocks belongs to the cell", async () => {
  await runs("for (var i = 0, kind = 's'; i < 3; i++);\nif (i) { var inner = [i] }");
  assert.is(await client.value("[i, kind.length, inner[0]]"), "[ 3, 1, 3 ]");
  await runs("for (var [first, { second = 9 }] of [[1, {}]] as [number, { second?: number }][]) {}");
  await runs(
    "for (var key in { a: 1 });\nfor await (var item of [5]);\ntry { throw 1 } catch { var caught = true }",
  );
  assert.is(await client.value("[first, second, key, item, caught]"), "[ 1, 9, 'a', 5, true ]");
  await runs("const later: (() => number)[] = []; for (var n = 0; n < 2; n++) later.push(() => n)");
  assert.is(await client.value("n = 7; later.map((read) => read())"), "[ 7, 7 ]");
  await runs("function own() { var hidden = 1; return hidden } { let block = 2 }");
  assert.match((await fails("hidden")).evalue, "Cannot find name");
  assert.match((await fails("block")).evalue, "Cannot find name");
});

test("namespaces, enums, decorators, overloads and using keep their meaning", async () => {
  await runs("namespace Shapes { export interface Box { w: number } export const unit: Box = { w: 1 } }");
  await runs(
    "const enum Level { Low = 3 }\nfunction pick(a: string): string;\nfunction pick(a: number): number;\nfunction pick(a: any) { return a }",
  );
  assert.is(
    await client.value(
      "const box: Shapes.Box = Shapes.unit; [box.w, Level.Low, pick('a').length, pick(1).toFixed()]",
    ),
    "[ 1, 3, 1, '1' ]",
  );
  await runs(
    "const seen: string[] = []; function tag(_: unknown, c: ClassDecoratorContext) { seen.push(c.name ?? '') }",
  );
  await runs("@tag class Tagged {}");
  const { stdout } = await runs("using handle = { [Symbol.dispose]() { console.log('disposed', seen) } }");
  assert.is(stdout, "disposed [ 'Tagged' ]\n");
  assert.is(
    await client.value(
      "const arrow = () => 1, plain = function (this: unknown) { return this }; [arrow.name, plain()]",
    ),
    "[ 'arrow', undefined ]",
  );
  assert.is(await client.value("plain()"), undefined, "not called on the cells' variables");
  assert.match((await fails("<div/>")).ename, "TypeScriptError");
});

test("top-level await stands wherever an expression may", async () => {
  assert.is(await client.value("await (async () => 3)()"), "3");
  assert.is(
    await client.value(
      "class Parent { v = 1 }\nclass Child extends (await Promise.resolve(Parent)) {}\nnew Child().v",
    ),
    "1",
  );
  assert.is(
    await client.value(
      "const { awaited = await 4 } = {} as { awaited?: number }; [awaited, [await 5].join()]",
    ),
    "[ 4, '5' ]",
  );
  assert.is(await client.value("await using held = { async [Symbol.asyncDispose]() {} }; 6"), "6");
});

test("files that import each other, folders and a package's main file are imported", async () => {
  assert.is(
    await client.value(
      "import { getB } from './circle1'; import { getA } from './circle2'; [getA(), getB()]",
    ),
    "[ 'a', 'b' ]",
  );
  assert.is(await client.value("import { other, a } from './circle2-again'; [other(), a]"), "[ 'a', 'a' ]");
  assert.is(
    await client.value("import { y } from './pkg'; import { main } from './manifest'; [y, main]"),
    "[ 2, 'main' ]",
  );
  assert.is(
    await client.value(
      "import h, { E } from './h.ts'; import type { E as OnlyType } from './h.js'; [h(), E.A]",
    ),
    "[ 'default', 1 ]",
  );
  assert.is(
    await client.value(
      "import { twice } from './uses-esm'; import { plain } from './plain.js'; [twice, plain]",
    ),
    "[ 'esmesm', 'js' ]",
  );
  assert.is(await client.value("import json from './j.json' with { type: 'json' }; json.k"), "[ 1 ]");
  assert.is(await client.value("import fs = require('node:fs'); typeof fs.statSync"), "'function'");
  const bad = await fails("import { n } from './bad'");
  assert.match(bad.evalue, /bad\.ts:1:14 .*not assignable/);
  assert.match(bad.traceback.join("\n"), "    1 | export const n: number = 'text';\n                     ^");
  // An error that falls in a file quotes its line, and that of the cell.
  const thrown = (await fails("import { fall } from './throws'\nfall()")).traceback.join("\n");
  assert.match(
    thrown,
    /throws\.ts:2:9\)\n {4}2 \| {3}throw new RangeError.*\n +\^\n {4}at cell\[\d+\]:2:5\n {4}2 \| fall\(\)/,
  );
  // The kernel's own frames say nothing.
  const child = await fails('import { execSync } from "node:child_process"; execSync("exit 3")');
  assert.match(child.traceback[1], /^ {4}at (?!.*children\.js)/);
});

test("a changed file is loaded afresh, and so are the files that import it", async () => {
  assert.is(await client.value("import { y as before } from './pkg'; before"), "2");
  write("pkg/inner.ts", "export const z = 10;\n");
  assert.is(await client.value("import { y as behind } from './pkg'; behind"), "11");
});

test("dynamic imports are relative to the notebook, or to the file that they stand in, and warn of nothing", async () => {
  assert.is(await client.value("(await import('./h')).v"), "2");
  assert.is(
    await client.value("(await import('./j.json', { with: { type: 'json' } })).default"),
    "{ k: [ 1 ] }",
  );
  assert.is(await client.value("const name = 'pkg'; (await import('./' + name)).y"), "11");
  assert.is(
    await client.value("import { load, where } from './sub/far'; [await load(), where.endsWith('sub')]"),
    "[ 2, true ]",
  );
  assert.is(
    await client.value("(await import('./esm/index.mjs')).from + typeof (await import('node:fs')).statSync"),
    "'esmfunction'",
  );
  assert.match((await fails("await import('./nowhere' as string)")).evalue, "nowhere");
  const { stderr } = await runs("await new Promise((resolve) => setTimeout(resolve, 50))");
  assert.equal(
    [stderr, client.iopub.some((m) => /Warning/.test(m.content.text ?? "")), client.log],
    ["", false, ""],
  );
});

test("a cell knows the notebook's folder", async () => {
  assert.is(await client.value("__dirname"), `'${folder}'`);
  assert.is(await client.value("require('node:path').dirname(__filename) === import.meta.dirname"), "true");
});

test("lines may end as on Windows", async () => {
  assert.is((await runs("!echo one\r\n!echo two")).stdout, "one\ntwo\n");
  assert.is((await runs("%env CRLF=b\r\n%env CRLF")).stdout, "CRLF=b\nb\n");
  assert.is(await client.value("%%time\r\nconst windows = 5\r\nwindows"), "5");
  const { traceback } = await fails("const ok = 1;\r\nnowhere\r\n");
  assert.match(traceback.join("\n"), /cell\[\d+\]:2:1/);
});

test("#!, @ts-nocheck and @ts-ignore mean what they mean in a file", async () => {
  assert.is(await client.value("#!/usr/bin/env node\n1 + 1"), "2");
  assert.is(await client.value("// @ts-nocheck\nconst loose: number = 'x'; loose"), "'x'");
  assert.is(await client.value("// @ts-ignore\nconst ignored: number = 'y'; ignored"), "'y'");
  assert.match((await fails("const strict: number = 'z'")).evalue, "not assignable");
});

test("regular expressions and types are those that this Node.js has", async () => {
  assert.is(await client.value("/[\\p{L}--[a-z]]/v.test('A')"), "true");
  const has = (name: string, object: object) => name in object;
  for (const [code, isThere] of [
    ["Object.groupBy([1], String)", has("groupBy", Object)],
    ["Promise.withResolvers<number>().promise", has("withResolvers", Promise)],
    ["new Set([1]).union(new Set([2])).size", has("union", Set.prototype)],
    ["'a'.isWellFormed()", has("isWellFormed", String.prototype)],
  ] as const)
    assert.is((await client.run(code)).reply.status, isThere ? "ok" : "error", code);
});

test("completion knows private names and replaces the part of a path that is typed", async () => {
  const code = "class Q { #priv = 1; #other = 2; m() { this.#p } }";
  const at = code.indexOf("#p }") + 2;
  const found = await complete(code, at);
  assert.equal([found.matches, found.cursor_start, found.cursor_end], [["#priv"], at - 2, at]);
  const path = await complete('import x from "./circle1');
  assert.equal([path.matches.sort(), path.cursor_start], [["circle1"], 17]);
});

test("an unknown magic says which there are; %%bash and %%sh run a script", async () => {
  for (const code of ["%nothing", "%%nothing\nsome text"]) {
    const { evalue } = await fails(code);
    assert.match(evalue, /nothing is an unknown magic[\s\S]*%%bash/);
  }
  const { stdout, stderr } = await runs("%%bash one\nfor i in 1 2; do\n  echo $i $1\ndone\necho err >&2");
  assert.equal([stdout, stderr], ["1 one\n2 one\n", "err\n"]);
  assert.is((await runs('%%sh\nset -- a b; echo "$2"')).stdout, "b\n");
  assert.match((await fails("%%sh\nexit 3")).evalue, "%%sh ended with exit status 3");
});

test("a name can be declared anew with another type in the same cell that still uses values of the old one", async () => {
  await runs("type Row = { a: number }; const rows: Row[] = [{ a: 1 }]");
  assert.is(
    await client.value(
      "type Row = { a: string }; const texts: Row[] = rows.map(({ a }) => ({ a: a.toFixed(1) })); texts",
    ),
    "[ { a: '1.0' } ]",
  );
  await runs("class Thing { x = 1 }\nconst Thing2 = Thing");
  await runs("interface Thing { y: number }");
  assert.is(await client.value("const thing: Thing = { y: 2 }; new Thing2().x + thing.y"), "3");
  // More than fifty at once: the compiler's preamble comes in several parts.
  const many = Array.from({ length: 60 }, (_, i) => `m${i}`);
  await runs(many.map((name) => `let ${name} = 1;`).join(""));
  await fails(`throw new Error("early"); ${many.map((name) => `let ${name} = 2;`).join("")}`);
  assert.is(await client.value(`${many.join(" + ")}`), "60");
});

test.run();
