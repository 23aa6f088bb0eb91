import { createHash } from "node:crypto";
import { existsSync, readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { packageRoot } from "../util/package-root.js";
import { writeFile } from "../util/write-file.js";

export interface StageMemory {
  /**
   * Where the stages note what they were made from: then a stage whose inputs and options did not change leaves its files
   * as they are. Without it a stage always runs.
   */
  stagesFile?: string;
}

/** A stage, and all that its files depend on. */
export interface StageInputs {
  /** Names the stage and where it writes. */
  name: string;
  /** Plain JSON: options, and `stampOf` or `digestOf` of the files that are read. */
  inputs: unknown;
  /** The files that it writes. */
  outputs: readonly string[];
}

interface Note {
  madeFrom: string;
  left: string;
}

/**
 * Runs a stage, unless its files are there as it left them and were made from the same inputs and options by the same
 * version of this package.
 *
 * @returns whether it ran
 */
export async function remember(
  stagesFile: string | undefined,
  { name, inputs, outputs }: StageInputs,
  run: () => Promise<unknown>,
): Promise<boolean> {
  const left = () => JSON.stringify(outputs.map(stampOf));
  const madeFrom = createHash("sha256")
    .update(JSON.stringify([version(), inputs]))
    .digest("hex");
  const known = stagesFile === undefined ? undefined : notesIn(stagesFile)[name];
  if (known?.madeFrom === madeFrom && known.left === left() && outputs.every(existsSync)) return false;
  await run();
  if (stagesFile !== undefined) {
    const notes = { ...notesIn(stagesFile), [name]: { madeFrom, left: left() } };
    await writeFile(stagesFile, `${JSON.stringify(notes, null, 2)}\n`);
  }
  return true;
}

/** Size and time of a file: another stamp, another file. Null when there is none. */
export function stampOf(path: string): [size: number, mtimeMs: number] | null {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats === undefined ? null : [stats.size, stats.mtimeMs];
}

/** A file that cannot be read as notes remembers nothing: the worst that comes of it is work done twice. */
function notesIn(path: string): Record<string, Note> {
  try {
    const notes: unknown = JSON.parse(readFileSync(path, "utf8"));
    return typeof notes === "object" && notes !== null ? (notes as Record<string, Note>) : {};
  } catch {
    return {};
  }
}

const version = (): string =>
  (createRequire(__filename)(join(packageRoot, "package.json")) as { version: string }).version;
