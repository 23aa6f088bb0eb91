import { inSnakeCase } from "../decisions/spelling.js";
import { pythonRepr } from "../format/python-float.js";
import type { Finding } from "./finding.js";

/** What the kinds are called in files. */
export const kindNames = {
  wrongLabel: "wrong_label",
  splitSpeaker: "split_speaker",
  leakage: "leakage",
  mergedSpeakers: "merged_speakers",
  equalFiles: "equal_files",
  nearCopies: "near_copies",
  nonSpeech: "non_speech",
  severalVoices: "several_voices",
  short: "short",
  clipped: "clipped",
  quiet: "quiet",
  narrowBand: "narrow_band",
  lowSnr: "low_snr",
} as const;

/** A row of findings.csv. */
export interface FindingRow {
  kind: (typeof kindNames)[Finding["kind"]];
  key1: string;
  /** Empty where the finding is about one thing. */
  key2: string;
  /** To six digits. */
  score: number;
  probability: number;
  remedy: string;
  /** The right speaker of a wrong label, where there is one; of copies the one to keep. */
  target: string;
  /** JSON, its names spelt as the columns are. */
  evidence: string;
}

/** Findings as rows of a table, in their order. */
export const findingRows = (findings: readonly Finding[]): FindingRow[] =>
  findings.map(({ kind, keys: [key1, key2 = ""], score, probability, remedy, evidence }) => ({
    kind: kindNames[kind],
    key1,
    key2,
    score: Number(score.toPrecision(6)),
    probability,
    remedy: inSnakeCase(remedy.action),
    target: "to" in remedy ? remedy.to : "",
    evidence: JSON.stringify(
      Object.fromEntries(
        Object.entries(remedy.action === "splitName" ? { ...evidence, parts: remedy.parts } : evidence).map(
          ([name, value]) => [inSnakeCase(name), value],
        ),
      ),
    ),
  }));

export const findingColumns = [
  "kind",
  "key1",
  "key2",
  "score",
  "probability",
  "remedy",
  "target",
  "evidence",
] as const;

/** The rows as CSV, line by line. */
export function* findingsCsv(rows: readonly FindingRow[]): Generator<string> {
  yield `${findingColumns.join(",")}\n`;
  for (const row of rows) yield `${findingColumns.map((column) => field(row[column], column)).join(",")}\n`;
}

/** The rows as JSON, one a line. */
export function* findingsJsonLines(rows: readonly FindingRow[]): Generator<string> {
  for (const row of rows)
    yield `${JSON.stringify({ ...row, evidence: JSON.parse(row.evidence) as unknown })}\n`;
}

function field(value: string | number, name: string): string {
  if (typeof value === "number") return pythonRepr(value, name);
  return /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}
