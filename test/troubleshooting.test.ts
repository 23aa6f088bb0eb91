import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";

const root = join(__dirname, "..");

test("the messages that docs/troubleshooting.md quotes are those of the code", () => {
  const code = readdirSync(join(root, "src"), { recursive: true })
    .map(String)
    .filter((name) => name.endsWith(".ts"))
    .map((name) => readFileSync(join(root, "src", name), "utf8"))
    .join("\n");
  const quoted = [
    ...readFileSync(join(root, "docs/troubleshooting.md"), "utf8").matchAll(
      /^\| `([^`]*[A-Za-z] [^`]*)` \|/gm,
    ),
  ].map(([, message]) => message!);
  assert.ok(quoted.length >= 3, String(quoted));
  for (const message of quoted)
    for (const part of message.split("..."))
      assert.ok(code.includes(part.trim()), `${part} is in no message of the code`);
});

test.run();
