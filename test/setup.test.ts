import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { put, temporaryFolder } from "./tiny.js";

const root = join(__dirname, "..");

/** A clone whose npm does nothing, and whose compiler writes what it is told to; of other programs there are none. */
function clone() {
  const folder = temporaryFolder();
  for (const name of ["setup.mjs", "setup-tensorflow.mjs"])
    cpSync(join(root, "scripts", name), join(folder, "scripts", name));
  const compiler = (code: string) =>
    put(
      join(folder, "node_modules", "typescript", "bin", "tsc"),
      `const { mkdirSync, readdirSync, writeFileSync } = require("node:fs");
       const at = process.argv.indexOf("--outDir");
       const out = at < 0 ? "dist" : process.argv[at + 1];
       mkdirSync(out);
       ${code}`,
    );
  const bin = join(folder, "bin");
  chmodSync(put(join(bin, "npm"), "#!/bin/sh\n"), 0o755);
  return {
    folder,
    compiler,
    source: (text: string) => put(join(folder, "src", "main.ts"), text),
    built: (name: string) => readFileSync(join(folder, "dist", name), "utf8"),
    setUp: () =>
      spawnSync(process.execPath, [join(folder, "scripts", "setup.mjs")], {
        encoding: "utf8",
        env: { PATH: bin, HOME: folder },
      }),
  };
}

test("the command of every build can be run, which npx sees to for the first one only", () => {
  const { folder, compiler, source, setUp } = clone();
  compiler(`mkdirSync(out + "/src/cli", { recursive: true }); writeFileSync(out + "/src/cli/main.js", "")`);
  for (const text of ["1", "2"]) {
    source(text);
    const { status, stdout, stderr } = setUp();
    assert.is(status, 0, stdout + stderr);
    assert.is(statSync(join(folder, "dist", "src", "cli", "main.js")).mode & 0o111, 0o111);
  }
});

test("a build stands until the next one is whole, and a failed one leaves it as it was", () => {
  const { folder, compiler, source, built, setUp } = clone();
  source("1");
  compiler(`writeFileSync(out + "/main.js", "first")`);
  let { status, stdout, stderr } = setUp();
  assert.is(status, 0, stdout + stderr);
  assert.is(built("main.js"), "first");

  source("2");
  compiler(`writeFileSync(out + "/main.js", "second, beside " + readdirSync("dist"))`);
  ({ status, stdout, stderr } = setUp());
  assert.is(status, 0, stdout + stderr);
  assert.is(built("main.js"), "second, beside .speakerscope,main.js");

  source("3");
  compiler(`writeFileSync(out + "/main.js", "half"); process.exit(1)`);
  assert.is(setUp().status, 1);
  assert.match(built("main.js"), "second");

  source("4");
  compiler(
    `if (readdirSync(out).length > 0) throw new Error("not empty"); writeFileSync(out + "/main.js", "third")`,
  );
  ({ status, stdout, stderr } = setUp());
  assert.is(status, 0, stdout + stderr);
  assert.is(built("main.js"), "third");
  for (const name of ["dist.new", "dist.old"]) assert.not.ok(existsSync(join(folder, name)), name);
});

test.run();
