// The blocks of the README, docs/files.md and docs/scoring.md, run as they stand and in their order, in one folder.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { examples } from "../src/cli/examples.js";
import { packageRoot } from "../src/util/package-root.js";
import { speakerscope } from "./cli.js";
import { Client } from "./kernels/client.js";
import { python, runPython } from "./python.js";
import { temporaryFolder } from "./tiny.js";

const readme = readFileSync(join(packageRoot, "README.md"), "utf8");
const filesPage = readFileSync(join(packageRoot, "docs", "files.md"), "utf8");
const commandsPage = readFileSync(join(packageRoot, "docs", "commands.md"), "utf8");
const comingFromPage = readFileSync(join(packageRoot, "docs", "coming-from.md"), "utf8");
const scoringPage = readFileSync(join(packageRoot, "docs", "scoring.md"), "utf8");
const blocks = (language: string, page = readme) =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, "gm"))].map((match) => match[1]!);
const cwd = temporaryFolder();
symlinkSync(join(packageRoot, "data"), join(cwd, "data"));

function runCells(cells: string[]): void {
  // Inside the package, so that "speakerscope" is this one.
  const folder = join(packageRoot, "test-results");
  mkdirSync(folder, { recursive: true });
  for (const [index, cell] of cells.entries()) {
    const path = join(folder, `readme-cell-${process.pid}-${index}.mts`);
    writeFileSync(path, cell);
    const { status, stderr } = spawnSync(process.execPath, ["--import", require.resolve("tsx"), path], {
      cwd,
      encoding: "utf8",
    });
    rmSync(path);
    assert.is(status, 0, `${cell}\n${stderr}`);
  }
}

function runCommands(commands: string[]): void {
  for (const line of commands) {
    const { status, stdout, stderr } = speakerscope(line.split(/\s+/).slice(2), { cwd });
    assert.is(status, 0, `${line}\n${stdout}${stderr}`);
  }
}

const commandsOf = (page: string) =>
  blocks("shell", page)
    .flatMap((block) => block.split("\n"))
    .map((line) => line.replace(/#.*/, "").trim())
    .filter((line) => line.startsWith("npx speakerscope") && !line.includes("/path/to"));

test("the cells run", () => {
  const cells = blocks("ts");
  assert.ok(cells.length >= 2);
  runCells(cells);
});

test("the cells run in a notebook, and each shows something", async () => {
  const client = await Client.start({ cwd });
  try {
    for (const cell of blocks("ts")) {
      const { reply, messages } = await client.run(cell);
      assert.is(reply.status, "ok", `${cell}\n${reply.traceback?.join("\n")}`);
      assert.ok(
        messages.some(({ type }) => type === "execute_result"),
        cell,
      );
    }
  } finally {
    await client.close();
  }
});

test("the commands run", () => {
  const lines = commandsOf(readme);
  assert.ok(lines.length >= 4);
  runCommands(lines);
  assert.ok(existsSync(join(cwd, "detailed_similarity.csv")));
});

test("the cell for people who come from pandas writes the table that it names", () => {
  runCells(blocks("ts", comingFromPage));
  const lines = readFileSync(join(cwd, "nearest.csv"), "utf8").trim().split("\n");
  assert.is(lines[0], "query,rank,key,score");
  assert.is(lines.length, 25);
});

test("the page on scoring runs, on what the commands above have made", () => {
  runCells(blocks("ts", scoringPage));
  const lines = commandsOf(scoringPage);
  assert.is(lines.length, 4);
  runCommands(lines);
});

test("the people that the quick start finds are those that are found", () => {
  // The commands above have compared the bundled speech.
  const path = join(cwd, "final_embeddings", "high_similarity_pairs.json");
  const found = (JSON.parse(readFileSync(path, "utf8")) as Record<string, string | number>[]).map(
    ({ speaker1, speaker2, similarity }) =>
      `  ${speaker1} is ${speaker2}  (${Number(similarity).toFixed(2)})`,
  );
  const told = readme.split("\n").filter((line) => /^ {2}podcast_.* is studio_/.test(line));
  assert.is(told.length, 4);
  assert.equal(told, found.slice(0, 4));
});

test("the examples that help shows work as they stand, on what the commands above have made", () => {
  const help = speakerscope(["--help"], { cwd }).stdout;
  const commands = [...help.matchAll(/^ {2}([a-z]+) +[A-Z]/gm)].map((match) => match[1]!);
  assert.equal([...commands].sort(), Object.keys(examples).sort());
  // The commands above embed; a kernel is not for a test to install.
  const dear = new Set(["run", "extract", "kernel"]);
  for (const command of commands) {
    const { stdout } = speakerscope([command, "--help"], { cwd });
    const lines = [...stdout.matchAll(/^ {2}npx speakerscope (.*)$/gm)].map((match) => match[1]!);
    assert.is(lines.length, examples[command]!.length, command);
    for (const line of dear.has(command) ? [] : lines) {
      const { status, stdout, stderr } = speakerscope(line.split(" "), { cwd });
      assert.is(status, 0, `${line}\n${stdout}${stderr}`);
    }
  }
});

test("the Python blocks run, without a warning", () => {
  if (python === null) return console.log("SKIPPED README's Python: no Python with numpy");
  for (const snippet of blocks("python")) runPython(snippet, [], { cwd });
  const snippets = blocks("python", filesPage);
  assert.is(snippets.length, 4);
  const output = snippets.map((snippet) => runPython(snippet, [], { cwd }));
  assert.match(output[0]!, /24 speakers, 128 utterances/);
  assert.match(output[1]!, /test-other_533 \(192,\) 10/);
  assert.match(output[2]!, /Most similar pair: 0\.9\d+\nSpeaker 1: podcast_caller-01\nSpeaker 2: studio_103/);
  assert.match(output[3]!, /Speaker 533: mean 0\.\d+, std 0\.\d+, min 0\.\d+/);
});

test("every flag in the table of options is a flag of the command line", () => {
  const help = ["run", "extract", "merge", "analyze"]
    .map((command) => speakerscope([command, "--help"], { cwd }).stdout)
    .join("\n");
  const flags = [...commandsPage.matchAll(/^\| `--.*?\|/gm)].flatMap((row) =>
    [...row[0].matchAll(/--([a-z_]+)/g)].map((match) => match[1]!),
  );
  assert.ok(flags.length > 25);
  for (const flag of flags) assert.ok(help.includes(`--${flag}`), flag);
});

test.run();
