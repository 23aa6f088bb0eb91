// Executes the notebooks without a window: `npm run notebooks`; --help says how.
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const python = join(root, ".venv", "bin", "python");
const usage = `npm run notebooks [-- --fresh] [-- --save]

Executes the notebooks without a window, and writes them and a page of each into a folder of results.

  --fresh   delete the results of earlier runs, so that everything is computed again
  --save    also put the outputs into notebooks/, to be committed
  --help    print this

  SPEAKERSCOPE_DATA_ROOT     corpus (default: data/speech, the bundled one)
  SPEAKERSCOPE_RESULTS_DIR   folder of results (default: results/notebooks, of another corpus results/notebooks-NAME)
  SPEAKERSCOPE_MODEL_PATH    an .onnx file (default: the bundled model)
  SPEAKERSCOPE_THRESHOLD     of notebook 2 (default: 0.5)`;

const flags = flagsOf(process.argv.slice(2));
if (flags.help) {
  console.log(usage);
  process.exit(0);
}
const dataRoot = resolve(root, process.env.SPEAKERSCOPE_DATA_ROOT || "data/speech");
const isBundled = dataRoot === join(root, "data", "speech");
const outputDir =
  process.env.SPEAKERSCOPE_RESULTS_DIR ||
  join("results", isBundled ? "notebooks" : `notebooks-${basename(dataRoot)}`);
// 05-scoring learns on one data set and judges on another, which have to be named for another corpus.
const names = [
  "01-extraction",
  "02-analysis",
  "03-variability",
  "04-models",
  ...(isBundled ? ["05-scoring"] : []),
  "06-audit",
];
if (flags.save && !isBundled) {
  console.error(
    "notebooks: --save is for the bundled speech. Leave it out, or unset SPEAKERSCOPE_DATA_ROOT.",
  );
  process.exit(1);
}

if (!existsSync(python)) {
  console.log("Notebooks: not executed, there is no Python environment (npm run setup says why)");
  process.exit(0);
}
if (flags.fresh) rmSync(resolve(root, outputDir), { recursive: true, force: true });
console.log("\nExecuting the notebooks, about a minute:");
const { status } = spawnSync(
  python,
  [
    join(root, "scripts", "notebooks.py"),
    // What the notebooks tell of the bundled speech is left out for another corpus.
    ...(isBundled ? [] : ["--own-corpus"]),
    outputDir,
    ...names.map((name) => `notebooks/${name}.ipynb`),
  ],
  {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, ...corpusEnvironment(), JUPYTER_PATH: jupyterPath() },
  },
);
if (status !== 0) process.exit(status ?? 1);
if (flags.save)
  for (const name of names)
    copyFileSync(resolve(root, outputDir, `${name}.ipynb`), join(root, "notebooks", `${name}.ipynb`));
if (!isBundled)
  console.log(
    "05-scoring is left out: name two of your data sets in its first cell, and run it by npm run lab",
  );
console.log("Open the pages in a browser, or the notebooks themselves by: npm run lab");
for (const name of names) {
  const page = join(outputDir, `${name}.html`);
  console.log(`  ${page}  (${(statSync(resolve(root, page)).size / 1e6).toFixed(1)} MB)`);
}

function flagsOf(args) {
  try {
    const flag = { type: "boolean", default: false };
    return parseArgs({ args, options: { fresh: flag, save: flag, help: { ...flag, short: "h" } } }).values;
  } catch (error) {
    console.error(`notebooks: ${error.message}\n\n${usage}`);
    process.exit(1);
  }
}

/** For the bundled speech nothing is set: its outputs then hold no path of this machine. */
function corpusEnvironment() {
  return isBundled ? {} : { SPEAKERSCOPE_DATA_ROOT: dataRoot, SPEAKERSCOPE_RESULTS_DIR: outputDir };
}

/** Jupyter finds the kernel of this checkout, whichever others are installed. */
function jupyterPath() {
  return [root, process.env.JUPYTER_PATH].filter(Boolean).join(":");
}
