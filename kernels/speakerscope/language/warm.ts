import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Converter } from "./converter.js";
import { loadTypeScript } from "./load-typescript.js";

/** `node warm.js`: set-up runs the compiler once, so that the first kernel finds its code cache. */
const folder = mkdtempSync(join(tmpdir(), "speakerscope-"));
try {
  const { ts, saveCode } = loadTypeScript();
  const converter = new Converter(ts, folder, new Map());
  const first = "const a = 1 + 1; function f(x: number) { return { x } }\na";
  const { declarations } = converter.convert("", first);
  converter.convert(declarations, 'import { readFileSync } from "node:fs"; await f(a); readFileSync.name');
  converter.complete(declarations, "a.", 2);
  converter.inspect(declarations, "f", 0);
  saveCode();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
