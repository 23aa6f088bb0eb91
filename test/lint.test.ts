import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";

const root = join(__dirname, "..");
const tool = (name: string, args: string[]) => {
  const { status, stdout, stderr } = spawnSync(join(root, "node_modules", ".bin", name), args, {
    cwd: root,
    encoding: "utf8",
  });
  assert.is(status, 0, stdout + stderr);
};

test("everything is formatted and linted", () => tool("biome", ["check", "."]));

test("everything has strict types, tests too", () => tool("tsc", ["-p", "tsconfig.test.json"]));

test.run();
