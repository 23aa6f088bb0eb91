import { readFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "./package-root.js";

/** A committed WebAssembly module, by its path below src. */
export const loadWasm = (...path: string[]): WebAssembly.Module =>
  new WebAssembly.Module(readFileSync(join(packageRoot, "src", ...path)));
