// Runs the benchmarks: every bench/*.bench.mjs, or those whose name holds an argument, one after the other.
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const wanted = process.argv.slice(2);
const files = readdirSync(here)
  .filter(
    (name) =>
      name.endsWith(".bench.mjs") && (wanted.length === 0 || wanted.some((word) => name.includes(word))),
  )
  .sort();
let failed = 0;
for (const file of files) {
  console.log(`\n# ${file.replace(".bench.mjs", "")}`);
  if (spawnSync(process.execPath, [join(here, file)], { stdio: "inherit" }).status !== 0) failed++;
}
process.exit(failed === 0 && files.length > 0 ? 0 : 1);
