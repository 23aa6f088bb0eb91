import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { main } from "../cli.js";
import { temporaryFolder } from "../tiny.js";

const wild = join(__dirname, "..", "fixtures", "audit", "wild.npz");

/** Runs a command in a terminal of its own, and presses Ctrl-C when it has said something. */
async function inTerminal(args: readonly string[], cwd: string, pressAt: RegExp) {
  const child = spawn("python3", ["-c", "import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)", ...args], {
    cwd,
    stdio: ["pipe", "pipe", "inherit"],
  });
  let text = "";
  child.stdout.on("data", (data) => {
    text += data;
    if (child.stdin.writable && pressAt.test(text)) child.stdin.end("\x03");
  });
  const status = await new Promise((resolve) => child.on("close", resolve));
  return { status, text };
}

test("a terminal shows how far the audit is, and Ctrl-C ends it with a word and nothing written", async () => {
  if (spawnSync("python3", ["-c", "import pty"]).status !== 0)
    return console.log("SKIPPED: python3 with pty is not here");
  const cwd = temporaryFolder();
  const args = [process.execPath, main, "audit", "--embeddings", wild, "--output_dir", "out"];
  const { status, text } = await inTerminal(args, cwd, /audit .* \d+\/\d+/);
  assert.is(status, 130, text);
  assert.match(text, /error: The audit was stopped on request\. Nothing was written\./);
  assert.not(existsSync(join(cwd, "out")));
});

test.run();
