import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { packageVersion } from "../util/package-root.js";
import { statsOf } from "../util/stats-of.js";
import { writeFile } from "../util/write-file.js";

export interface StageMemory {
  /**
   * File in which stages note their inputs and options, so that a stage is skipped while these are unchanged. Default: none,
   * and stages always run.
   */
  stagesFile?: string;
}

/** A stage, and everything that its files depend on. */
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
 * Runs a stage, unless its files are unchanged since it made them from the same inputs and options with the same version of
 * this package.
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
    .update(JSON.stringify([packageVersion(), inputs]))
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

/** Size and modification time of a file, which change with its content; null when there is none. */
export function stampOf(path: string): [size: number, mtimeMs: number] | null {
  const stats = statsOf(path);
  return stats === undefined ? null : [stats.size, stats.mtimeMs];
}

/** Notes that cannot be read count as none: at worst, work is done twice. */
function notesIn(path: string): Record<string, Note> {
  try {
    const notes: unknown = JSON.parse(readFileSync(path, "utf8"));
    return typeof notes === "object" && notes !== null ? (notes as Record<string, Note>) : {};
  } catch {
    return {};
  }
}
