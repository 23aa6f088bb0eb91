import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { join } from "node:path";

export const main = join(__dirname, "..", "dist", "src", "cli", "main.js");

export interface CliResult {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** Runs the built command line in a folder; needs `npm run build`. */
export function speakerscope(
  args: string[],
  { cwd, env = {} }: { cwd: string; env?: NodeJS.ProcessEnv },
): CliResult {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], {
    cwd,
    encoding: "utf8",
    env: { ...process.env, ...env },
  });
  return { status, stdout, stderr };
}

/** Starts it and lets it run. */
export function startSpeakerscope(
  args: string[],
  { cwd, env = {} }: { cwd: string; env?: NodeJS.ProcessEnv },
): ChildProcess & { output: () => string; ended: Promise<number | null> } {
  const child = spawn(process.execPath, [main, ...args], {
    cwd,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let text = "";
  child.stdout.on("data", (data) => (text += data));
  child.stderr.on("data", (data) => (text += data));
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
  return Object.assign(child, { output: () => text, ended });
}
