// Executes the notebooks without a window, into results/notebooks: `npm run notebooks`.
//   --fresh   delete the results of earlier runs, so that everything is computed again
//   --save    also put the outputs into notebooks/, to be committed
// SPEAKERSCOPE_DATA_ROOT and the other variables of the parameter cells are passed on to the notebooks.
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const names = ["01-extraction", "02-analysis", "03-variability", "05-scoring"];
const outputDir = "results/notebooks";
const python = join(root, ".venv", "bin", "python");
const flags = new Set(process.argv.slice(2));

if (!existsSync(python)) {
  console.log("Notebooks: not executed, there is no Python environment (npm run setup says why)");
  process.exit(0);
}
if (flags.has("--fresh")) rmSync(join(root, outputDir), { recursive: true, force: true });
console.log("\nExecuting the notebooks, about a minute:");
const { status } = spawnSync(
  python,
  [join(root, "scripts", "notebooks.py"), outputDir, ...names.map((name) => `notebooks/${name}.ipynb`)],
  { cwd: root, stdio: "inherit", env: { ...process.env, JUPYTER_PATH: jupyterPath() } },
);
if (status !== 0) process.exit(status ?? 1);
if (flags.has("--save"))
  for (const name of names)
    copyFileSync(join(root, outputDir, `${name}.ipynb`), join(root, "notebooks", `${name}.ipynb`));
console.log("Open the pages in a browser, or the notebooks themselves by: npm run lab");
for (const name of names) {
  const page = `${outputDir}/${name}.html`;
  console.log(`  ${page}  (${(statSync(join(root, page)).size / 1e6).toFixed(1)} MB)`);
}

/** Jupyter finds the kernel of this checkout, whichever others are installed. */
function jupyterPath() {
  return [root, process.env.JUPYTER_PATH].filter(Boolean).join(":");
}
