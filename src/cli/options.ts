import { type Command, InvalidArgumentError, Option } from "commander";
import { parseColumns } from "../corpus/columns.js";
import { manifestFormats } from "../corpus/corpus.js";
import { invalid } from "../errors.js";
import { backendNames } from "../similarity/backend.js";

/*
 * The flags of more than one command. They are declared with dashes; main.ts turns underscores into dashes, so `--data_root`
 * and `--data-root` are the same.
 */

const number = (name: string, check: (value: number) => boolean, want: string) => (text: string) => {
  const value = Number(text);
  if (text.trim() === "" || !check(value)) throw new InvalidArgumentError(`${name} must be ${want}`);
  return value;
};

export const positiveInteger = (name: string) =>
  number(name, (value) => Number.isInteger(value) && value > 0, "a positive whole number");

export const wholeNumber = (name: string) =>
  number(name, (value) => Number.isInteger(value) && value >= 0, "a whole number, 0 or more");

export const cosine = (name: string) =>
  number(name, (value) => value >= -1 && value <= 1, "a cosine between -1 and 1");

const threshold = (text: string) =>
  text.trim().toLowerCase() === "eer"
    ? ("eer" as const)
    : number("threshold", (value) => value >= -1 && value <= 1, "a cosine between -1 and 1, or eer")(text);

const segmentSeconds = number(
  "length",
  (value) => value >= 1 && value <= 60,
  "a number of seconds from 1 to 60",
);

export const probability = (name: string) =>
  number(name, (value) => value > 0 && value < 1, "between 0 and 1");

/** Parses a switch, in the same words on the command line, in the environment and in a settings file. */
export function boolean(text: string): boolean {
  const word = text.trim().toLowerCase();
  if (["true", "yes", "on", "1"].includes(word)) return true;
  if (["false", "no", "off", "0"].includes(word)) return false;
  throw new InvalidArgumentError("must be true or false (or yes or no, on or off, 1 or 0)");
}

/** A switch, which may be followed by true or false. */
export const flag = (name: string, description: string) =>
  new Option(`--${name} [boolean]`, description).argParser(boolean);

export function gpuList(text: string): number[] {
  const items = text.split(/[\s,]+/).filter(Boolean);
  if (items.length === 0 || items.some((item) => !/^\d+$/.test(item)))
    throw new InvalidArgumentError('must be GPU indices such as "0 1 2 3"');
  return items.map(Number);
}

function channel(text: string): number | "mean" {
  if (text === "mean") return "mean";
  return number("channel", (value) => Number.isInteger(value) && value >= 0, "mean, or 0, 1, ...")(text);
}

/** Which corpus. */
export function addCorpusOptions(command: Command): Command {
  for (const option of [
    new Option(
      "--data-root <folder>",
      "corpus, laid out as dataset/speaker/utterance.wav or as --layout says",
    ),
    new Option(
      "--layout <pattern>",
      'where the names stand in the paths: "{dataset}/{speaker}/{session}/{utterance}", a regular expression with such groups, or librispeech, voxceleb, vctk, aishell, flat',
    ),
    new Option("--manifest <path>", "corpus as a manifest instead of a folder (docs/corpora.md)"),
    new Option("--format <name>", "of the manifest (default: what it looks like)").choices([
      ...manifestFormats,
    ]),
    new Option(
      "--columns <map>",
      "which column of the manifest holds what, as speaker=client_id,path=path (default: the usual names)",
    ).argParser((text) => {
      parseColumns(text);
      return text;
    }),
    new Option("--path-prefix <old=new>", "what paths of the manifest begin with there and here"),
    new Option(
      "--dataset <name>",
      "the data set, where neither layout nor manifest has one (default: their name)",
    ),
  ])
    command.addOption(option);
  return command;
}
export const configFile = () =>
  new Option("--config-file <file>", "configuration of the model (default: beside it)");
export const precision = () =>
  new Option("--precision <name>", "fp32, or a variant of the model such as int8").default("fp32");
export const saveIndividual = () =>
  flag("save-individual", "also write individual files: a pickle for every utterance and speaker").default(
    false,
  );
export const mergeIndividual = () =>
  flag("merge-individual", "also write individual files: a pickle for every utterance and speaker").default(
    true,
  );
export const computeSimilarity = () =>
  flag("compute-similarity", "compare every speaker with every other").default(false);
export const similarityThreshold = () =>
  new Option(
    "--similarity-threshold <cosine>",
    "pairs at or above are listed; eer: where the corpus's own labels give the equal error rate (default: 0.8)",
  ).argParser(threshold);
export const similarityBackend = () =>
  new Option("--similarity-backend <name>", "what computes it (default: the fastest there is)").choices(
    backendNames,
  );
export const normalize = () =>
  flag("normalize", "average unit vectors for a speaker instead of raw embeddings").default(false);
export const partial = () => flag("partial", "merge although files are still to be embedded").default(false);
export const minSimilarity = () =>
  new Option(
    "--min-similarity <cosine>",
    "leave out pairs below (default: the threshold of the comparison)",
  ).argParser(cosine("similarity"));
export const maxResults = () =>
  new Option("--max-results <n>", "show at most that many pairs")
    .argParser(positiveInteger("number of results"))
    .default(100);
export const logFile = () =>
  new Option("--log-file <file>", "where the log lines go too").default("logs/extraction.log");

/** `--model NAME` is `--model_path` for the models that come with the package. */
function bundledModel(): Option {
  const option = new Option("--model <name>", "a bundled model (default: campplus)").choices([
    "campplus",
    "ge2e",
  ]);
  option.attributeName = () => "modelPath";
  return option;
}

/** A name that a flag had before it was called alike everywhere; it goes on working, and help leaves it out. */
export function formerly(flags: string, attribute: string): Option {
  const option = new Option(flags).hideHelp();
  option.attributeName = () => attribute;
  return option;
}

/** The model, and where it runs. */
export const modelOptions = () => [
  bundledModel(),
  new Option("--model-path <file>", "ONNX model (default: the bundled CAM++, 192-d)"),
  configFile(),
  precision(),
  new Option("--device <name>", "cpu, cuda, cuda:1, webgpu, ... (default: GPUs, else CPU)"),
];

/** Adds all options of extraction and of the comparison after it, except the folders. */
export function addExtractionOptions(command: Command): Command {
  const count = (flags: string, description: string, name: string) =>
    new Option(flags, description).argParser(positiveInteger(name));
  for (const option of [
    ...modelOptions(),
    flag("use-gpu", "use the GPUs that are there, and fail when there is none").default(false),
    new Option(
      "--gpus <indices>",
      'GPUs to use, such as "0 1 2 3": rank i takes the i-th (default: all)',
    ).argParser(gpuList),
    count(
      "--num-ranks <n>",
      "ranks: processes that each embed a part of the files (default: one a GPU, or one a core)",
      "number of ranks",
    ),
    count("--threads <n>", "threads of a rank on the CPU", "number of threads").default(1),
    count("--batch-size <n>", "utterances gathered for a GPU at once", "batch size").default(32),
    count(
      "--bucket <frames>",
      "cut utterances down to a multiple of so many frames, for GPUs; changes embeddings (default: no)",
      "bucket",
    ),
    new Option("--channel <n>", "channel of stereo files: a number, or mean for the mean of all")
      .argParser(channel)
      .default("mean"),
    new Option(
      "--segments <seconds>",
      "cut recordings into segments of speech of about so long, each an utterance (default: no)",
    ).argParser(segmentSeconds),
    flag("vad", "embed the speech of a file alone; changes embeddings").default(false),
    flag("checks", "measure the audio for the audit too: copies, no speech, noise").default(false),
    normalize(),
    new Option("--on-collision <how>", "two files that would share a key: an error, or a suffix")
      .choices(["error", "suffix"])
      .default("error"),
    count(
      "--file-timeout <seconds>",
      "a rank that is silent for so long over one file is taken for hung",
      "file timeout",
    ).default(600),
    flag(
      "retry-failed",
      "try every file again that failed, also those whose own bytes were the reason",
    ).default(false),
    flag("overwrite", "throw away what the output folder holds from another model or setting").default(false),
    similarityThreshold(),
    similarityBackend(),
  ])
    command.addOption(option);
  return command;
}

/** Flags whose names or units differ from those of the library's options, and those that `--use_gpu` depends on. */
interface Flags {
  device?: string;
  useGpu?: boolean;
  model?: string;
  fileTimeout?: number;
  similarityThreshold?: number | "eer";
  similarityBackend?: string;
}

/** Throws for flags of a comparison that does not take place. */
export function checkComparison(settings: { computeSimilarity?: boolean } & Flags): void {
  const { computeSimilarity, similarityThreshold, similarityBackend } = settings;
  const [idle] = Object.entries({ similarityThreshold, similarityBackend }).filter(
    ([, value]) => value !== undefined,
  );
  if (computeSimilarity || idle === undefined) return;
  const flag = idle[0] === "similarityThreshold" ? "--similarity_threshold" : "--similarity_backend";
  throw invalid(
    `${flag} ${idle[1]} has no effect, because the speakers are not compared. Add --compute_similarity, or leave it out.`,
    { got: idle[1] },
  );
}

/** Flags as options of the library. */
export function inOptions<Settings>({
  device,
  useGpu = false,
  fileTimeout,
  similarityThreshold: threshold,
  similarityBackend: backend,
  ...settings
}: Settings & Flags) {
  return {
    ...settings,
    device: device ?? (useGpu ? "cuda" : undefined),
    fileTimeoutMs: fileTimeout && fileTimeout * 1000,
    threshold,
    backend,
  };
}
