import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { similarityCommand } from "../../src/cli/similarity.js";
import { readNpy, writeNpy } from "../../src/format/npy.js";
import { packageRoot } from "../../src/util/package-root.js";
import { rowsOf, vectors } from "../similarity/vectors.js";

const folder = mkdtempSync(join(tmpdir(), "similarity-command-"));
test.after(() => rmSync(folder, { recursive: true }));

const all = vectors(200, 16);
const save = (name: string, from: number, to: number) => {
  const path = join(folder, name);
  writeFileSync(path, writeNpy(rowsOf(all, from, to).data, { shape: [to - from, 16] }));
  return path;
};

async function run(...args: string[]): Promise<string> {
  const program = new Command().exitOverride().configureOutput({ writeErr: () => {} });
  similarityCommand(program);
  for (const command of program.commands) command.exitOverride().configureOutput({ writeErr: () => {} });
  const said: string[] = [];
  const { log } = console;
  console.log = (...parts: unknown[]) => said.push(parts.join(" "));
  try {
    await program.parseAsync(["similarity", ...args], { from: "user" });
  } finally {
    console.log = log;
  }
  return said.join("\n");
}

test("It compares a file, says with what, and writes the pairs as a table", async () => {
  const out = join(folder, "out");
  const said = await run(
    "--input",
    save("all.npy", 0, 200),
    "--output-dir",
    out,
    "--similarity-threshold",
    "0.95",
    "--top-k",
    "3",
  );
  assert.match(said, /^Similarity runs on (onnx|tensorflow) /);
  assert.match(said, /19,900 pairs: mean /);
  const [header, first] = readFileSync(join(out, "pairs.csv"), "utf8").split("\n");
  assert.is(header, "row1,row2,key1,key2,dataset1,dataset2,similarity");
  assert.match(first, /^\d+,\d+,\d+,\d+,,,(1|0\.9\d+|1\.0+\d+)$/);
  assert.equal(readNpy(readFileSync(join(out, "neighbours_index.npy"))).shape, [200, 3]);
  assert.is(readNpy(readFileSync(join(out, "neighbours_index.npy"))).dtype, "int32");
  const nearest = readFileSync(join(out, "neighbours.csv"), "utf8").trimEnd().split("\n");
  assert.is(nearest.length, 1 + 200 * 3);
  assert.is(nearest[0], "query,rank,key,score");
  const [index, score] = ["index", "score"].map((name) =>
    Array.from(readNpy(readFileSync(join(out, `neighbours_${name}.npy`))).data as ArrayLike<number>),
  );
  assert.is(nearest[1 + 5], `1,3,${index![5]},${score![5]}`);
  assert.match(said, `Written to ${out}: neighbours.csv, pairs.csv, similarity_matrix.npy, `);
  const summary = JSON.parse(readFileSync(join(out, "speaker_similarity.json"), "utf8"));
  assert.is(summary.statistics.total_pairs, 19_900);
  assert.equal(readNpy(readFileSync(join(out, "similarity_matrix.npy"))).shape, [200, 200]);
  await run("--input", save("all.npy", 0, 200), "--output-dir", join(folder, "without"), "--no-matrix");
  assert.not(existsSync(join(folder, "without", "similarity_matrix.npy")));
});

test("Pairs beyond the list are said", async () => {
  const said = await run(
    "--input",
    save("all.npy", 0, 200),
    "--output-dir",
    join(folder, "q"),
    "--max-pairs",
    "1",
    "--similarity-threshold",
    "0.2",
  );
  assert.match(said, /Warning: only the 1 most similar/);
});

test("No refusal is without a line on stderr", () => {
  const main = join(packageRoot, "dist", "src", "cli", "main.js");
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [main, "similarity", "--input", "a", "--output_dir", "b", "--against", "d"],
    { encoding: "utf8" },
  );
  assert.is(status, 1);
  assert.match(stdout, /^Similarity runs on [^\n]*\n$/);
  assert.match(stderr, /^error: a does not exist\. Accepted are a folder that merging wrote .*\n$/);
});

test("What cannot be is refused before any work", async () => {
  const refused = async (pattern: RegExp, ...args: string[]) => {
    const error = await run(...args).then(
      () => undefined,
      (reason) => reason,
    );
    assert.match(String(error?.message), pattern);
  };
  const base = ["--input", save("all.npy", 0, 200), "--output-dir", join(folder, "none")];
  await refused(/between -1 and 1/, ...base, "--similarity-threshold", "2");
  await refused(/from:to/, ...base, "--rows", "9:3");
  await refused(/unknown option '--query'/, ...base, "--query", "a");
  await refused(/Allowed choices are onnx, tensorflow/, ...base, "--similarity-backend", "webgl");
  await refused(/row range.*0:500.*0:200/, ...base, "--rows", "0:500");
  assert.not(existsSync(join(folder, "none")));
});

test.run();
