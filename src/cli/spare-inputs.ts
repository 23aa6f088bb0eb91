import { realpathSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { conflict } from "../errors.js";
import { comparisonFiles, mergedFiles } from "../merged/files.js";
import { segmentsLog } from "../store/extraction.js";
import { statsOf } from "../util/stats-of.js";

/** Options that name what is read; of folders that merging wrote, its files. */
const inputs =
  "manifest embeddings input against trials scores cohort calibration decisions findings query enrolled settings resultsDir".split(
    " ",
  );

/** Options that name a file to be written. */
const files = ["out", "to", "outputCsv", "outputJson", "logFile"];

const merged = [...Object.values(mergedFiles), ...comparisonFiles.map(({ name }) => name)];
const extracted = ["corpus.jsonl", "dataset_info.json", segmentsLog];

/** What each command writes into the folders that its options name. */
const folders: Record<string, Record<string, readonly string[]>> = {
  run: { outputDir: extracted, finalDir: merged },
  extract: { outputDir: extracted },
  similarity: { outputDir: comparisonFiles.map(({ name }) => name) },
  cluster: { outputDir: ["people.csv", "utterances.csv", "manifest.csv"] },
  audit: { outputDir: ["findings.csv", "findings.jsonl", "findings.parquet", "proposals.jsonl"] },
  split: { outputDir: ["speakers.csv"] },
  score: { outputDir: ["scores.txt", "score_report.json", "calibration.json"] },
};

/** What commands may both read and write, or look after themselves. */
const theirs: Record<string, readonly string[]> = {
  apply: ["manifest"],
  audit: ["decisions"],
  score: ["scores", "calibration"],
};

/**
 * Looks whether a command would write over a file that it is told to read, such as a manifest.csv in the folder of its results.
 *
 * @param settings the options of the command by their names
 * @param more what is written below --output_dir besides, under names that the corpus and the options give
 * @throws `conflict` that names the file and both options
 */
export function spareInputs(command: string, settings: object, more: readonly string[] = []): void {
  const given = settings as Readonly<Record<string, unknown>>;
  const read = new Map<string, string>();
  for (const option of inputs) {
    if (theirs[command]?.includes(option)) continue;
    for (const path of [given[option]].flat())
      if (typeof path === "string")
        for (const file of filesOf(path)) read.set(placeOf(file), `${flag(option)} ${path}`);
  }
  const check = (path: string, option: string) => {
    const input = read.get(placeOf(path));
    if (input !== undefined && (statsOf(path)?.isFile() || more.includes(path)))
      throw conflict(
        `${path} would be written over, and it is what this command is to read (${input}). Give another ${flag(option)}.`,
        { path },
      );
  };
  for (const option of files) if (typeof given[option] === "string") check(given[option], option);
  for (const [option, names] of Object.entries(folders[command] ?? {}))
    for (const name of names) if (typeof given[option] === "string") check(join(given[option], name), option);
  for (const path of more) check(path, "outputDir");
}

const filesOf = (path: string): string[] =>
  statsOf(path)?.isDirectory()
    ? [path, ...Object.values(mergedFiles).map((name) => join(path, name))]
    : [path];

/** Where the name of a file lies, whatever links lead there. */
function placeOf(path: string): string {
  const folder = dirname(resolve(path));
  try {
    return join(realpathSync(folder), basename(path));
  } catch {
    return join(folder, basename(path));
  }
}

const flag = (option: string) => `--${option.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`;
