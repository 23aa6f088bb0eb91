// The main job on the bundled speech: stages 1 to 3 with two ranks, into results/.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const args = [
  "--data_root",
  "data/speech",
  "--output_dir",
  "results/embeddings_output",
  "--final_dir",
  "results/final_embeddings",
];
const { status } = spawnSync(
  process.execPath,
  [
    join(root, "dist", "src", "cli", "main.js"),
    "run",
    ...args,
    "--num_ranks",
    "2",
    "--similarity_threshold",
    "0.5",
    "--log_file",
    "results/logs/extraction.log",
    ...process.argv.slice(2),
  ],
  { cwd: root, stdio: "inherit" },
);
if (status !== 0) process.exit(status ?? 1);

const { high_similarity_pairs: pairs } = JSON.parse(
  readFileSync(join(root, "results/final_embeddings/speaker_similarity.json"), "utf8"),
);
const shared = pairs.filter(
  ({ speaker1_info, speaker2_info }) => speaker1_info.dataset !== speaker2_info.dataset,
);
console.log(`
${shared.length} people are in two data sets:`);
for (const { speaker1, speaker2, similarity } of shared)
  console.log(`  ${speaker1} is ${speaker2}  (${similarity.toFixed(2)})`);

// The same as documents: a notebook that fails is an error of this command, a missing Python is not.
const notebooks = spawnSync(process.execPath, [join(root, "scripts", "notebooks.mjs")], { stdio: "inherit" });
if (notebooks.status !== 0) process.exit(notebooks.status ?? 1);
