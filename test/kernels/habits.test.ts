import { rmSync } from "node:fs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { Client, notebookFolder } from "./client.js";

const test = suite("habits");
const { folder } = notebookFolder("habits");
let client: Client;
test.before(async () => {
  client = await Client.start({ cwd: folder });
});
test.after(async () => {
  await client.close();
  rmSync(folder, { recursive: true, force: true });
});

/** The lines of a failed cell's traceback that neither name nor quote a place. */
const notesOf = async (code: string) => {
  const { reply } = await client.run(code);
  assert.is(reply.status, "error", code);
  return reply.traceback.filter((line) => !/^cell\[\d+\]:|^ {4}|^ *[\^~]+$/.test(line));
};

for (const [code, hint] of Object.entries({
  "import pandas as pd": /toDataFrame\(rows\) from "speakerscope"/,
  "import numpy as np": /Float32Array/,
  "import matplotlib.pyplot as plt": /heatmap, distribution/,
  "from speakerscope import scan, extract": /import \{ scan, extract \} from "speakerscope"/,
  "print('hi')": /console\.log\(x\)/,
  "help(JSON)": /\?name, or Shift-Tab/,
  "len([1, 2])": /x\.length/,
  None: /: null\.$/,
  "def f(x):\n    return x": /function f\(x: number\)/,
  "for x in [1, 2]:\n    1": /for \(const x of xs\) \{/,
  "[x * 2 for x in [1, 2]]": /xs\.map/,
  "# a comment": /\/\/ begins a comment/,
  "'a' if True else 'b' and 'c'": /&&/,
})) {
  test(`${code.split("\n")[0]} is answered by one line that names what there is here`, async () => {
    const notes = await notesOf(code);
    assert.is(notes.length, 1, notes.join("\n"));
    assert.match(notes[0], /^Instead of Python's /);
    assert.match(notes[0], hint);
  });
}

test("a package that is not there is told to come from npm, and where from Python it is told what there is here", async () => {
  for (const [code, hint] of Object.entries({
    "import left from 'no-such-package/deep'":
      /^Packages come from npm: !npm install no-such-package puts it /,
    "import { left } from '@no-such/package'": /: !npm install @no-such\/package puts it /,
    "import { array } from 'numpy'": /^Instead of Python's numpy: /,
  })) {
    const [note] = await notesOf(code);
    assert.match(note, hint);
  }
  assert.match((await notesOf("document.title")).join("\n"), /^Cells run in Node.js, not in a page: /);
  for (const code of ["import { left } from './nowhere'", "import left from 'node:nothing'"])
    assert.not.match((await notesOf(code)).join("\n"), /npm/);
});

test("magics of IPython name what there is here; those that set something up do not stop a cell", async () => {
  for (const [code, hint] of Object.entries({
    "%pip install pandas": /!npm install NAME/,
    "%timeit 1 + 1": /%time before a statement/,
    "%%timeit\n1 + 1": /%%time in the first line/,
  })) {
    const { reply } = await client.run(code);
    assert.match(reply.evalue, hint);
    assert.is(reply.traceback.length, 1, reply.traceback.join("\n"));
    assert.match(reply.traceback[0], /Error: .*NAME\.|Error: .*%%time/);
    assert.not.match(reply.traceback[0], /\[Error|\]$/);
  }
  const { reply, stdout } = await client.run("%matplotlib inline\n%load_ext autoreload\n%autoreload 2");
  assert.is(reply.status, "ok");
  assert.match(stdout, /matplotlib .*charts need no set-up/);
  assert.match((await client.run("!pip --version")).stderr, /!npm install NAME/);
});

test("an assignment without const, a missing import and a missing await are told as such", async () => {
  assert.equal(await notesOf("total = 3"), ["A variable is declared by const or let: const total = 3"]);
  assert.equal(await notesOf("heatmap"), [
    'heatmap has to be imported: import { heatmap } from "speakerscope";',
  ]);
  assert.equal(await notesOf("display(1)"), [
    'display has to be imported: import { display } from "speakerscope/kernel";',
  ]);
  const [note] = await notesOf("const later = Promise.resolve([1]); later.length");
  assert.match(note, /write await before/);
});

test("a cell that did not compile says what it did not make, and so does the next one that needs it", async () => {
  const { reply: first } = await client.run("const speakers: number = 'a', matrix = [1];");
  const cell = `cell[${first.execution_count}]`;
  assert.is(first.traceback.at(-1), "Nothing of this cell ran, so it did not make speakers, matrix.");
  assert.equal(await notesOf("speakers + matrix.length"), [
    `${cell} declares speakers, matrix, but did not compile: mend it and run it again.`,
  ]);
  await client.run("const speakers = 2, matrix = [1];");
  assert.is(await client.value("speakers + matrix.length"), "3");
  assert.equal(await notesOf("const speakers: string = 1;"), [
    "Nothing of this cell ran, so speakers kept what earlier cells made.",
  ]);
  const { reply: broken } = await client.run("const found = [1;\nconst other = 2");
  assert.is(broken.traceback.at(-1), "Nothing of this cell ran, so it did not make found, other.");
});

test.run();
