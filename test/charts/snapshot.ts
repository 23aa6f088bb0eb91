import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";

const folder = join(__dirname, "snapshots");

/**
 * Compares with the file of that name beside this one, numbers to three decimals. What differs is written beside the
 * expected file as `name.changed.ext`; UPDATE_SNAPSHOTS=1 makes it the expected one.
 */
export function snapshot(name: string, text: string): void {
  const actual = rounded(text);
  const path = join(folder, name);
  const changed = path.replace(/\.(\w+)$/, ".changed.$1");
  if (process.env.UPDATE_SNAPSHOTS) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(path, actual);
  }
  const expected = existsSync(path) ? readFileSync(path, "utf8") : "";
  if (actual === expected) {
    rmSync(changed, { force: true });
    return;
  }
  writeFileSync(changed, actual);
  assert.unreachable(`${name} changed: look at ${changed}, then run with UPDATE_SNAPSHOTS=1`);
}

function rounded(text: string): string {
  return text.replace(/-?\d+\.\d{4,}(e-?\d+)?/g, (number) =>
    String(Math.round(Number(number) * 1000) / 1000 + 0),
  );
}
