import { existsSync } from "node:fs";
import { join } from "node:path";
import { invalid, missing } from "../errors.js";
import { readJsonLines } from "../util/json-lines.js";
import { type AudioChecks, isMeasured } from "./audio-checks.js";
import { sketchBands } from "./sketch.js";

/** The file of a merged folder that holds what was measured of the audio, where it was extracted with `checks`. */
export const checksFile = "checks.jsonl";

/** What was measured as a row of checks.jsonl; the sketch is in base 64. */
export function checksRow(checks: AudioChecks): Record<string, unknown> {
  if (!isMeasured(checks)) return { key: checks.key, path: checks.path, failure: checks.failure };
  const { key, path, speechPeak, sketch, ...rest } = checks;
  return { key, path, ...rest, speech_peak: speechPeak, sketch: Buffer.from(sketch).toString("base64") };
}

/**
 * Reads what an extraction with `checks` measured of the audio.
 *
 * @param path a folder that merging wrote, or its checks.jsonl
 * @throws `missing` where it is not there: the extraction was made without `checks`; `invalid` for a row that is none
 * @example
 * await extract("data/speech", { outputDir: "measured", checks: true });
 * await merge("measured", { outputDir: "measured_final" });
 * const checks = await readChecks("measured_final");
 */
export async function readChecks(path: string): Promise<AudioChecks[]> {
  const file = path.endsWith(".jsonl") ? path : join(path, checksFile);
  if (!existsSync(file))
    throw missing(
      `${file} does not exist: the embeddings were extracted without --checks. Extract with it, or give the audit --data_root or --manifest.`,
      { path: file },
    );
  const all: AudioChecks[] = [];
  for await (const row of readJsonLines<Record<string, unknown>>(file)) all.push(parsed(row, file));
  return all;
}

const numbers = ["seconds", "speech", "speech_peak", "level", "clipped", "bandwidth"] as const;

function parsed(row: Record<string, unknown>, file: string): AudioChecks {
  const { key, path, failure, hash, snr, sketch, speech_peak: speechPeak, ...rest } = row;
  if (typeof key === "string" && typeof path === "string") {
    if (typeof failure === "string") return { key, path, failure };
    if (
      typeof hash === "string" &&
      typeof sketch === "string" &&
      (snr === null || typeof snr === "number") &&
      numbers.every((name) => typeof row[name] === "number")
    ) {
      const bytes = new Uint8Array(Buffer.from(sketch, "base64"));
      if (bytes.length % sketchBands === 0)
        return { ...rest, key, path, hash, snr, speechPeak, sketch: bytes } as AudioChecks;
    }
  }
  throw invalid(`A row of ${file} holds no checks: ${JSON.stringify(row).slice(0, 200)}.`, { path: file });
}
