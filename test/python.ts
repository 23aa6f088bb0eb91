import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";

const inVenv = join(__dirname, "..", ".venv", "bin", "python");
const candidates = existsSync(inVenv) ? [inVenv] : ["python3"];

/** A Python with numpy, or null: then tests that need one skip, loudly. */
export const python: string | null =
  candidates.find((p) => spawnSync(p, ["-W", "error", "-c", "import numpy"]).status === 0) ?? null;

/** Runs Python code with arguments and gives its stdout; throws with its stderr. Warnings are errors. */
export function runPython(
  code: string,
  args: string[] = [],
  options: { cwd?: string; input?: Uint8Array; env?: NodeJS.ProcessEnv } = {},
): string {
  if (python === null) throw new Error("no Python with numpy");
  const { status, stdout, stderr } = spawnSync(python, ["-W", "error", "-c", code, ...args], {
    encoding: "utf8",
    maxBuffer: 1 << 28,
    ...options,
  });
  if (status !== 0) throw new Error(stderr);
  return stdout;
}
