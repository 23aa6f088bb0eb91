import { isAscii } from "node:buffer";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import Module, { createRequire } from "node:module";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import v8 from "node:v8";
import vm from "node:vm";
import type * as TypeScript from "typescript";
import { packageRoot } from "../resolve.js";

export interface LoadedTypeScript {
  ts: typeof TypeScript;
  /** Caches V8's code for the next start. Call it after the compiler has run: the cache holds only functions that did. */
  saveCode(): void;
}

const digestLength = 20;

/** Loads the compiler, nine megabytes of JavaScript, with V8's code cache if there is one. */
export function loadTypeScript(folders = cacheFolders()): LoadedTypeScript {
  const filename = require.resolve("typescript");
  const { version } = require("typescript/package.json");
  // The tag covers V8's version, its flags and the processor's features.
  const name = `typescript-${version}-${process.arch}-${v8.cachedDataVersionTag().toString(16)}.bin`;
  const cachedData = readCode(folders, name);
  const bytes = readFileSync(filename);
  const source = bytes.toString(isAscii(bytes) ? "latin1" : "utf8");
  const script = new vm.Script(Module.wrap(source), { filename, cachedData });
  const module = new Module(filename);
  module.filename = filename;
  script
    .runInThisContext()
    .call(module.exports, module.exports, createRequire(filename), module, filename, dirname(filename));
  let isKept = cachedData !== undefined && !script.cachedDataRejected;
  return {
    ts: module.exports,
    saveCode() {
      if (!isKept) writeCode(folders, name, script.createCachedData());
      isKept = true;
    },
  };
}

/** The package's own folder; where that is read-only, the user's cache. */
function cacheFolders(): string[] {
  const ofUser = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
  return [join(packageRoot, "node_modules", ".cache", "speakerscope"), join(ofUser, "speakerscope")];
}

/** V8 checks the version of a code cache but not its integrity, hence the digest. */
function readCode(folders: string[], name: string): Buffer | undefined {
  for (const folder of folders)
    try {
      const bytes = readFileSync(join(folder, name));
      const code = bytes.subarray(digestLength);
      if (digest(code).equals(bytes.subarray(0, digestLength))) return code;
    } catch {
      // Missing or unreadable: TypeScript loads without a cache.
    }
  return undefined;
}

function writeCode(folders: string[], name: string, code: Buffer): void {
  for (const folder of folders)
    try {
      mkdirSync(folder, { recursive: true });
      const temporary = join(folder, `${name}.${process.pid}`);
      writeFileSync(temporary, Buffer.concat([digest(code), code]));
      renameSync(temporary, join(folder, name));
      return;
    } catch {
      // The folder is read-only: try the next one.
    }
}

const digest = (bytes: Buffer): Buffer => createHash("sha1").update(bytes).digest();
