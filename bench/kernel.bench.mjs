// The kernel beside stock tslab, ipykernel and Deno's kernel, in one run: how long a person waits, and what it costs.
// tslab (its own, with the compiler it was made for) and Deno come from the registry into .cache; what cannot be had is left out.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const python = join(root, ".venv", "bin", "python");
if (!existsSync(python)) {
  console.log("SKIPPED kernels: no Python environment (npm run setup makes one)");
  process.exit(0);
}
const cache = join(root, ".cache", "bench-kernels");
const specs = mkdtempSync(join(tmpdir(), "speakerscope-bench-"));
const others = join(cache, "node_modules");
if (!existsSync(join(others, "tslab")))
  try {
    mkdirSync(cache, { recursive: true });
    writeFileSync(join(cache, "package.json"), '{ "private": true }');
    const args = ["install", "--no-audit", "--no-fund", "--ignore-scripts", "tslab@1.0.22", "deno@2"];
    execFileSync("npm", args, { cwd: cache, stdio: "ignore" });
  } catch {
    console.log("tslab and Deno cannot be had from the registry: only this kernel and ipykernel");
  }
const argv = {
  tslab: [
    process.execPath,
    join(others, "tslab", "bin", "tslab"),
    "kernel",
    "--config-path={connection_file}",
  ],
  deno: [join(others, ".bin", "deno"), "jupyter", "--kernel", "--conn", "{connection_file}"],
};
const names = ["speakerscope", "python3"];
for (const [name, command] of Object.entries(argv)) {
  if (!existsSync(join(others, name))) continue;
  const folder = join(specs, "kernels", `bench-${name}`);
  mkdirSync(folder, { recursive: true });
  const spec = { argv: command, display_name: name, language: "typescript" };
  writeFileSync(join(folder, "kernel.json"), JSON.stringify(spec));
  names.push(`bench-${name}`);
}
const { status } = spawnSync(python, ["-W", "ignore", join(root, "bench", "kernel.py"), ...names], {
  stdio: "inherit",
  env: {
    ...process.env,
    JUPYTER_PATH: [root, specs].join(delimiter),
    SPEAKERSCOPE_HISTORY: "none",
    NO_COLOR: "1",
  },
});
rmSync(specs, { recursive: true, force: true });
process.exit(status ?? 1);
