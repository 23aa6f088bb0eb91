import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
// As built: the compiler's thread runs from there.
import { Compiler } from "../../dist/kernels/speakerscope/language/compiler.js";
import { Converter } from "../../kernels/speakerscope/language/converter.js";
import { loadTypeScript } from "../../kernels/speakerscope/language/load-typescript.js";

const test = suite("compiler");
const folder = mkdtempSync(join(tmpdir(), "speakerscope-compiler-"));
test.after(() => rmSync(folder, { recursive: true, force: true }));

test("a compiler that was stopped fails what was asked, and the next question starts another that knows module cells", async () => {
  const compiler = new Compiler(folder);
  const module = await compiler.ask("compile", "", "/** @module shapes */\nexport const side = 3;");
  assert.equal([module.module, module.problems], ["shapes", []]);
  compiler.addModule("shapes", "export const side = 3;");
  const asked = compiler.ask("compile", "", "1 + 1");
  compiler.stop();
  await asked.then(
    () => assert.unreachable(),
    (error) => assert.match(error.message, "stopped by an interrupt"),
  );
  const again = await compiler.ask(
    "compile",
    "declare let a: number;\n",
    "import { side } from './shapes'; a + side",
  );
  assert.equal(again.problems, []);
  assert.match(again.sources[0].code, "exports.side = 3");
  compiler.stop();
});

test("code that is too deep for the compiler fails its question alone", async () => {
  const compiler = new Compiler(folder);
  const deep = (n: number) => compiler.ask("compile", "", "(".repeat(n) + ")".repeat(n));
  await deep(1_000_000).then(
    () => assert.unreachable(),
    (error) => assert.match(error.message, "nested too deeply"),
  );
  assert.equal((await compiler.ask("compile", "", "1 + 1")).problems, []);
  compiler.stop();
});

test("no file is looked for where a module is Node's own", () => {
  const { ts } = loadTypeScript();
  const looked: string[] = [];
  const fileExists = (path: string) => {
    looked.push(path);
    return ts.sys.fileExists(path);
  };
  const converter = new Converter({ ...ts, sys: { ...ts.sys, fileExists } }, folder, new Map());
  const { problems } = converter.convert(
    "",
    'import { sep } from "node:path"; import { EOL } from "os"; sep + EOL',
  );
  converter.close();
  assert.equal(problems, []);
  assert.equal(
    looked.filter((path) => /node_modules\/(@types\/)?(node:|os\b|fs\b|events\b)/.test(path)),
    [],
  );
});

test("TypeScript's compiled code is kept, used, and made anew when the file is broken", () => {
  const cache = join(folder, "cache");
  loadTypeScript([cache]).saveCode();
  const [name] = readdirSync(cache);
  assert.match(name, /^typescript-[\d.]+-.*\.bin$/);
  const path = join(cache, name);
  const before = readFileSync(path);
  const { mtimeMs } = statSync(path);
  loadTypeScript([cache]).saveCode();
  assert.is(statSync(path).mtimeMs, mtimeMs, "it was used");
  before[before.length >> 1] ^= 1;
  writeFileSync(path, before);
  const { ts, saveCode } = loadTypeScript([cache]);
  assert.match(ts.transpile("let a: number = 1"), "a = 1;");
  saveCode();
  assert.not.equal(readFileSync(path)[before.length >> 1], before[before.length >> 1]);
});

test("where nothing can be written the compiler loads all the same, or keeps its code in the next folder", () => {
  const file = join(folder, "a-file");
  writeFileSync(file, "");
  const next = join(folder, "next");
  const { ts, saveCode } = loadTypeScript([join(file, "cache"), next]);
  saveCode();
  assert.is(readdirSync(next).length, 1);
  assert.is(typeof ts.createLanguageService, "function");
  loadTypeScript([join(file, "cache")]).saveCode();
});

test.run();
