import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import ts from "typescript";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { Converter } from "../../kernels/speakerscope/language/converter.js";

const test = suite("paths");
const folder = mkdtempSync(join(tmpdir(), "speakerscope-paths-"));
const home = join(folder, "home");
const before = { cwd: process.cwd(), home: process.env.HOME };
for (const name of [
  "data/speech",
  ".hidden",
  "home/music",
  "node_modules/@scope/tool",
  "node_modules/plain",
  "lib",
])
  mkdirSync(join(folder, name), { recursive: true });
for (const name of [
  "data/one.wav",
  "data/two.wav",
  "data/.secret",
  `data/it's "so".txt`,
  "data/back\\slash",
  "home/notes.txt",
  "lib/a.ts",
  "Upper.txt",
  "helper.ts",
])
  writeFileSync(join(folder, name), "export const x = 1;\n");
symlinkSync(join(folder, "data"), join(folder, "linked"));
for (const name of ["@scope/tool", "plain"]) {
  writeFileSync(
    join(folder, "node_modules", name, "package.json"),
    JSON.stringify({ name, main: "index.js" }),
  );
  writeFileSync(join(folder, "node_modules", name, "index.js"), "exports.x = 1;\n");
}
const converter = new Converter(ts, folder, new Map());
test.before(() => {
  process.chdir(folder);
  process.env.HOME = home;
});
test.after(() => {
  process.chdir(before.cwd);
  process.env.HOME = before.home;
  rmSync(folder, { recursive: true, force: true });
});

/** Completes at the bar; gives the matches, and the line with the first of them put in. */
function complete(marked: string): { matches: string[]; line: string } {
  const position = marked.indexOf("|");
  const code = marked.replace("|", "");
  const { matches, start, end } = converter.complete("", code, position);
  return { matches, line: code.slice(0, start) + (matches[0] ?? "") + code.slice(end) };
}

test("paths in strings are completed from the working directory, folders with a slash", () => {
  assert.equal(complete(`f("|")`).matches, [
    "data/",
    "helper.ts",
    "home/",
    "lib/",
    "linked/",
    "node_modules/",
    "Upper.txt",
  ]);
  assert.equal(complete(`f("data/o|")`), { matches: ["one.wav"], line: `f("data/one.wav")` });
  assert.equal(complete(`f('./da|')`), { matches: ["data/"], line: `f('./data/')` });
  assert.equal(complete(`f("linked/t|`), { matches: ["two.wav"], line: `f("linked/two.wav` });
  assert.equal(complete("f(`data/sp|`)").line, "f(`data/speech/`)");
  assert.equal(complete(`f("${folder}/data/tw|")`).matches, ["two.wav"]);
  assert.equal(complete(`f("up|")`).matches, ["Upper.txt"], "case matters only where it decides");
  assert.equal(complete(`const a = 1;\nf("lib/|");\nconst b = 2`).matches, ["a.ts"]);
});

test("hidden names come only when they are asked for", () => {
  assert.equal(complete(`f(".h|")`).matches, [".hidden/"]);
  assert.equal(complete(`f("data/.|")`).matches, [".secret"]);
});

test("~ is the home folder", () => {
  assert.is(homedir(), home);
  assert.equal(complete(`f("~|")`).matches, ["~/"]);
  assert.equal(complete(`f("~/|")`).matches, ["music/", "notes.txt"]);
});

test("what stands behind the cursor is replaced, and no slash is doubled", () => {
  assert.is(complete(`f("da|ta/one.wav")`).line, `f("data/one.wav")`);
  assert.is(complete(`f("data/on|x")`).line, `f("data/one.wav")`);
});

test("names are written as the quotes around them want it", () => {
  assert.is(complete(`f("data/it|")`).line, `f("data/it's \\"so\\".txt")`);
  assert.is(complete(`f('data/it|')`).line, `f('data/it\\'s "so".txt')`);
  assert.is(complete(`f("data/it's \\"s|")`).line, `f("data/it's \\"so\\".txt")`);
  assert.is(complete(`f("data/ba|")`).line, `f("data/back\\\\slash")`);
});

test("%cd and %load complete paths, too", () => {
  assert.is(complete("%cd da|").line, "%cd data/");
  assert.is(complete("const a = 1\n%load lib/|\na").line, "const a = 1\n%load lib/a.ts\na");
});

test("where TypeScript knows what may stand there, that comes instead", () => {
  assert.equal(complete(`Buffer.from("", "lat|")`).matches, ["latin1"]);
  assert.equal(complete(`({ key: 1 })["|"]`).matches, ["key"]);
  assert.equal(complete(`f("nothing such|")`).matches, []);
  const filled = "$".concat("{1}");
  assert.equal(complete(`f(\`${filled}/da|\`)`).matches, []);
});

test("modules are completed: packages that are installed, Node's own, files beside the notebook", () => {
  for (const begin of [`import x from "`, `export * from "`, `await import("`, `const x = require("`]) {
    assert.equal(complete(`${begin}pla|"`).matches, ["plain"], begin);
    assert.equal(complete(`${begin}@sc|"`).matches, ["@scope/"], begin);
    assert.equal(complete(`${begin}@scope/|"`).matches, ["tool"], begin);
    assert.equal(complete(`${begin}node:fs|"`).matches, ["node:fs", "node:fs/promises"], begin);
    assert.equal(complete(`${begin}./|"`).matches, ["data/", "helper", "home/", "lib/", "linked/"], begin);
    assert.equal(complete(`${begin}speakerscope/|"`).matches, ["speakerscope/kernel"], begin);
    assert.not(
      complete(`${begin}|"`).matches.some((name) => name.startsWith("@types")),
      begin,
    );
    assert.equal(complete(`${begin}data/|"`).matches, [], begin);
  }
});

test.run();
