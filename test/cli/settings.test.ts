import { join } from "node:path";
import { Command } from "commander";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { withDashes } from "../../src/cli/main.js";
import { runCommand } from "../../src/cli/run.js";
import { resolveSettings } from "../../src/cli/settings.js";
import { put, temporaryFolder } from "../tiny.js";

const folder = temporaryFolder();

/** The settings that `run` would work with. */
async function settings(
  args: string[],
  environment: NodeJS.ProcessEnv = {},
): Promise<Record<string, unknown>> {
  const program = new Command().exitOverride();
  runCommand(program);
  const [command] = program.commands;
  let resolved: Record<string, unknown> = {};
  command!
    .exitOverride()
    .configureOutput({ writeErr: () => {} })
    .action((_options: unknown, own: Command) => {
      resolved = resolveSettings(own, own.opts<{ settings?: string }>().settings, environment);
    });
  await program.parseAsync(withDashes(["run", ...args]), { from: "user" });
  return resolved;
}

const fails = async (promise: Promise<unknown>, pattern: RegExp) => {
  const error = await promise.then(
    () => undefined,
    (e: Error) => e,
  );
  assert.match(error?.message ?? "no error", pattern);
};

test("flags may have underscores or dashes, values keep theirs", async () => {
  const one = await settings(["--data_root", "my_corpus", "--num_ranks=2", "--similarity_threshold", "0.5"]);
  const other = await settings([
    "--data-root",
    "my_corpus",
    "--num-ranks=2",
    "--similarity-threshold",
    "0.5",
  ]);
  assert.equal(one, other);
  assert.equal([one.dataRoot, one.numRanks, one.similarityThreshold], ["my_corpus", 2, 0.5]);
});

test("flags go before the environment, the environment before the file, the file before the defaults", async () => {
  const file = put(
    join(folder, "s.yaml"),
    "similarity_threshold: 0.1\nbatch_size: 8\nsave_individual: false\ngpus: [2, 3]\ndata_root: x\n",
  );
  const environment = { SIMILARITY_THRESHOLD: "0.2", BATCH_SIZE: "16" };
  const resolved = await settings(["--settings", file, "--similarity_threshold", "0.3"], environment);
  assert.equal(
    [
      resolved.similarityThreshold,
      resolved.batchSize,
      resolved.saveIndividual,
      resolved.gpus,
      resolved.dataRoot,
      resolved.finalDir,
    ],
    [0.3, 16, false, [2, 3], "x", "final_embeddings"],
  );
});

test("switches take true and false, and alone mean true", async () => {
  assert.is((await settings([])).computeSimilarity, true);
  assert.is((await settings(["--compute_similarity", "false"])).computeSimilarity, false);
  assert.is(
    (await settings(["--compute_similarity"], { COMPUTE_SIMILARITY: "false" })).computeSimilarity,
    true,
  );
  assert.is((await settings([], { COMPUTE_SIMILARITY: "false", GPUS: "0 1 2 3" })).computeSimilarity, false);
  assert.equal((await settings([], { GPUS: "0 1 2 3" })).gpus, [0, 1, 2, 3]);
});

test("a switch means the same behind a flag, in the environment and in a file", async () => {
  const file = (text: string) => put(join(folder, "s.yaml"), text);
  const words = {
    true: true,
    Yes: true,
    on: true,
    "1": true,
    false: false,
    no: false,
    OFF: false,
    "0": false,
  };
  for (const [word, value] of Object.entries(words)) {
    assert.is((await settings(["--yes", word])).yes, value, `flag ${word}`);
    assert.is((await settings([], { SAVE_INDIVIDUAL: word })).saveIndividual, value, `environment ${word}`);
    const fromFile = await settings(["--settings", file(`yes: ${word}\nmerge_individual: "${word}"\n`)]);
    assert.equal([fromFile.yes, fromFile.mergeIndividual], [value, value], `file ${word}`);
  }
  for (const word of ["maybe", "2", "none"]) {
    await fails(settings(["--yes", word]), /--yes.*must be true or false/);
    await fails(settings([], { MERGE_INDIVIDUAL: word }), /MERGE_INDIVIDUAL is .*must be true or false/);
    await fails(
      settings(["--settings", file(`yes: ${word}\n`)]),
      /yes in .*s\.yaml is .*must be true or false/,
    );
  }
});

test("a value of a kind that a key cannot have is refused with its place", async () => {
  const wrong = {
    "data_root:": /data_root in .*s\.yaml is null/,
    "output_dir: true": /output_dir in .* is true/,
    "output_dir: [a, b]": /output_dir in .* is \["a","b"\]/,
    "batch_size: {a: 1}": /batch_size in/,
    "batch_size: true": /batch_size in/,
    "gpus: [a, b]": /gpus in/,
    "yes: [true]": /yes in/,
    "stage: 7": /stage in .* is 7: Allowed choices are 1, 2, 3, 4\.$/,
    "settings: other.yaml": /key settings in/,
    "constructor: 1": /key constructor in/,
    "__proto__: {yes: true}": /key __proto__ in/,
    "data_root: a\ndata-root: b": /both data_root and data-root/,
    "- yes": /not keys with values/,
    "yes: {": /neither YAML nor JSON/,
  };
  for (const [text, pattern] of Object.entries(wrong))
    await fails(settings(["--settings", put(join(folder, "s.yaml"), `${text}\n`)]), pattern);
  await fails(settings(["--settings", "/dev/zero"]), /settings file \/dev\/zero is larger/);
  await fails(settings(["--settings", "nowhere.yaml"]), /nowhere\.yaml does not exist/);
});

test("garbage is refused with the name of the flag, the variable or the key", async () => {
  await fails(settings(["--similarity_threshold", "2"]), /--similarity-threshold.*between -1 and 1/);
  await fails(settings(["--num_ranks", "0"]), /positive whole number/);
  await fails(settings(["--gpus", "a b"]), /GPU indices/);
  await fails(settings(["--stage", "7"]), /1, 2, 3, 4/);
  await fails(settings(["--unheard_of", "7"]), /unknown option '--unheard-of'/);
  await fails(settings([], { BATCH_SIZE: "many" }), /BATCH_SIZE is "many": .*positive whole number/);
  const file = put(join(folder, "s.yaml"), "treshold: 0.1\n");
  await fails(settings(["--settings", file]), /key treshold in .*s\.yaml is not known.*similarity_threshold/);
});

test.run();
