import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { loadWasm } from "../../src/util/load-wasm.js";

const source = join(__dirname, "../../src");

for (const [path, imports] of [
  // The next bytes of the file that it decodes, into its own memory.
  ["audio/wasm/audio.wasm", [{ module: "host", name: "read", kind: "function" }]],
  ["similarity/wasm/tiles.wasm", []],
] as const) {
  const file = readFileSync(join(source, path));
  test(`${path} is what build-wasm.sh made of the crates in Cargo.lock`, () => {
    const [sum] = readFileSync(join(source, `${path}.sha256`), "utf8").split(" ");
    assert.is(createHash("sha256").update(file).digest("hex"), sum);
  });
  test(`${path} imports ${imports.length === 0 ? "nothing" : "the bytes of its file alone"}: it can neither read nor write outside its memory`, () => {
    assert.equal(WebAssembly.Module.imports(loadWasm(path)), imports);
  });
  test(`${path} names no place of the machine that built it`, () => {
    assert.not.match(file.toString("latin1"), /\/home\/|\/root\/|\/Users\/|\.cargo/);
  });
}

test.run();
