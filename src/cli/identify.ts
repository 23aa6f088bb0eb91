import { existsSync, readdirSync, statSync } from "node:fs";
import { extname, join } from "node:path";
import { type Command, Option } from "commander";
import { audioExtensions } from "../audio/formats.js";
import { type ModelOptions, openModel } from "../embed/open-model.js";
import { invalid, missing, throwIfAborted } from "../errors.js";
import { mergedFiles } from "../merged/files.js";
import { embedFile } from "../scoring/embed-file.js";
import { type Identified, identify } from "../scoring/identify.js";
import { readCalibration } from "../scoring/score-calibration.js";
import { printable } from "../shared/printable.js";
import { checkSameModel, type Made, readProvenance } from "../store/provenance.js";
import { readComparableVectors } from "../store/read-vectors.js";
import { checkTableName, writeTable } from "../tables/write-table.js";
import { compare } from "../util/compare.js";
import { writeFile } from "../util/write-file.js";
import type { Rows } from "../vectors/unit-rows.js";
import { interruptSignal } from "./interrupt.js";
import * as options from "./options.js";
import { printLine } from "./print.js";

interface Settings extends ModelOptions {
  query: string[];
  enrolled: string;
  topK: number;
  threshold?: number;
  calibration?: string;
  prior?: number;
  level: "speaker" | "utterance";
  out?: string;
  /** JSON, whatever it is called. */
  outputJson?: string;
  similarityBackend?: string;
}

/** Registers `speakerscope identify`. */
export function identifyCommand(program: Command): void {
  const command = program
    .command("identify")
    .requiredOption(
      "--query <paths...>",
      "audio files, folders of them, or vectors (.npy, .npz, .parquet, .ark, .pkl, merged files)",
    )
    .option(
      "--enrolled <path>",
      "a folder that merging wrote (its speakers), or vectors of the same model",
      "final_embeddings",
    )
    .option("--top-k <n>", "candidates for each query", options.positiveInteger("top k"), 5)
    .option("--threshold <cosine>", "who scores below is nobody", options.cosine("threshold"))
    .option("--calibration <file>", "what scores mean: gives probabilities")
    .option(
      "--prior <p>",
      "how probable it is that a query is one of the enrolled (default: 0.5)",
      options.probability("prior"),
    )
    .addOption(
      new Option("--level <what>", "enrolled of a merged folder: its speakers, or its utterances")
        .choices(["speaker", "utterance"])
        .default("speaker"),
    )
    .addOption(options.similarityBackend())
    .option(
      "--out <file>",
      "write the rows there too, as .csv, .tsv, .jsonl, .parquet or .json: query, rank, key, score, probability",
    )
    .addOption(options.formerly("--output-json <file>", "outputJson"));
  for (const option of options.modelOptions()) command.addOption(option);
  command.action(run);
}

async function run(settings: Settings): Promise<void> {
  const { query, enrolled, topK, threshold, prior, out, level } = settings;
  const outputJson = settings.outputJson ?? (out?.endsWith(".json") ? out : undefined);
  if (out !== undefined && outputJson === undefined) checkTableName(out);
  const calibration = settings.calibration === undefined ? undefined : readCalibration(settings.calibration);
  const abortSignal = interruptSignal();
  const made = readProvenance(enrolled);
  const known = await readComparableVectors(enrolled, { level });
  const queries = await queriesOf(query, { ...settings, abortSignal }, made);
  const rows = await identify(queries, known.rows, {
    topK,
    threshold,
    calibration,
    prior,
    backend: settings.similarityBackend,
    abortSignal,
  });
  for (const row of rows) printLine(lineOf(row));
  if (out !== undefined && out !== outputJson)
    await writeTable(rows, out, { types: { probability: "number" } });
  if (outputJson !== undefined) await writeFile(outputJson, `${JSON.stringify(rows, null, 2)}\n`);
}

const lineOf = ({ query, rank, key, score, probability }: Identified): string =>
  `${query} ${rank} ${key} ${score.toFixed(4)}${probability === null ? "" : ` ${probability.toPrecision(4)}`}`;

const isVectors = (path: string) => /\.(npy|npz|parquet|ark|scp|pkl|pickle)$/.test(path);

async function queriesOf(
  paths: readonly string[],
  { abortSignal, ...settings }: ModelOptions & { abortSignal: AbortSignal },
  enrolled: Made,
): Promise<Rows> {
  for (const path of paths) if (!existsSync(path)) throw missing(`There is no query ${path}.`, { path });
  const holdsVectors = (path: string) =>
    statSync(path).isDirectory() ? existsSync(join(path, mergedFiles.utterances)) : isVectors(path);
  const vectors = paths.filter(holdsVectors);
  if (vectors.length > 0 && paths.length > 1)
    throw invalid(
      `${vectors[0]} holds vectors, so it must be the only query. Give vectors or audio files, not both.`,
      { path: vectors[0] },
    );
  const check = (made: Made) => {
    const warning = checkSameModel(made, enrolled);
    if (warning !== undefined) console.error(printable(`Warning: ${warning}`));
  };
  if (vectors.length > 0) check(readProvenance(vectors[0]!));
  if (vectors.length > 0) return (await readComparableVectors(vectors[0], { level: "utterance" })).rows;
  const files = paths.flatMap((path) => (statSync(path).isDirectory() ? audioIn(path) : [path]));
  const model = await openModel({ ...settings, device: settings.device ?? "auto" });
  try {
    check({ what: `The model ${model.path}`, by: { ...model.identity, channel: "mean" } });
    const rows: { key: string; embedding: Float32Array }[] = [];
    for (const key of files) {
      throwIfAborted("Embedding the queries", abortSignal);
      rows.push({ key, embedding: (await embedFile(key, model)).embedding });
    }
    return rows;
  } finally {
    await model.close();
  }
}

function audioIn(folder: string): string[] {
  const files = readdirSync(folder, { recursive: true })
    .map((name) => join(folder, String(name)))
    .filter((path) => audioExtensions.has(extname(path).toLowerCase()))
    .sort(compare);
  if (files.length === 0) throw missing(`There are no audio files in ${folder}.`, { path: folder });
  return files;
}
