// `npm run lab`: JupyterLab of the repository's own environment with the kernel, in the notebooks folder.
// Further arguments go to JupyterLab: npm run lab -- --no-browser --port 8890
import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const setup = spawnSync(process.execPath, [join(root, "scripts", "setup.mjs")], { stdio: "inherit" });
if (setup.status !== 0) process.exit(setup.status ?? 1);

const python = [join(root, ".venv", "bin", "python"), join(root, ".venv", "Scripts", "python.exe")].find(
  existsSync,
);
if (!python) {
  console.error("JupyterLab: missing: the Python environment could not be made (its reason is above)");
  process.exit(1);
}
const JUPYTER_PATH = [root, process.env.JUPYTER_PATH].filter(Boolean).join(delimiter);
const args = ["-m", "jupyterlab", `--notebook-dir=${root}`, "--LabApp.default_url=/lab/tree/notebooks"];
const lab = spawn(python, [...args, ...process.argv.slice(2)], {
  stdio: "inherit",
  cwd: root,
  env: { ...process.env, JUPYTER_PATH },
});
// Ctrl-C reaches JupyterLab by itself; it asks, and this script waits for the answer.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => lab.kill("SIGTERM"));
lab.on("close", (code) => process.exit(code ?? 1));
