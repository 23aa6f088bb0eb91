import { rm } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import type { Corpus } from "../corpus/corpus.js";
import { type ScanOptions, scan } from "../corpus/scan.js";
import { identifyModel, isModelChecked, type ModelOptions } from "../embed/open-model.js";
import { interrupted, invalid } from "../errors.js";
import { pythonJson } from "../format/json.js";
import { quantity, quantityIs } from "../shared/text.js";
import {
  checkIdentity,
  doubtsOf,
  type Extraction,
  type ExtractionIdentity,
  failuresOf,
  isDecided,
  isFailure,
  isShard,
  partFolder,
  rankFolder,
  readExtraction,
  recordingOf,
  type Shard,
  shardOfFile,
  writeCorpusList,
} from "../store/extraction.js";
import type { LongTask, Progress } from "../types.js";
import { compare } from "../util/compare.js";
import { demandWhole } from "../util/demand.js";
import { lockFolder } from "../util/folder-lock.js";
import { writeFile } from "../util/write-file.js";
import { checkSeconds } from "../vad/cut-speech.js";
import { type ExtractResult, showExtraction } from "./extract-result.js";
import { decodeThreadsFor, planRanks, type RankPlanOptions } from "./plan-ranks.js";
import type { RankJob } from "./rank-messages.js";
import { segmentCorpus } from "./segment-corpus.js";
import { superviseRank } from "./supervise-rank.js";
import { writeIndividual, writeRank } from "./write-rank.js";

type ExtractProgress = Extract<Progress, { stage: "scan" | "segments" | "extract" }>;

export interface ExtractOptions
  extends RankPlanOptions,
    LongTask<ExtractProgress>,
    Pick<ScanOptions, "onCollision"> {
  /** Folder of the rank folders. */
  outputDir?: string;
  /** Path of an .onnx file, or `campplus` or `ge2e`, which are bundled; CAM++ by default. */
  modelPath?: string;
  configFile?: string;
  /** Keys of the model's configuration that count more than what any file says. */
  config?: ModelOptions["config"];
  precision?: string;
  /** Cut features down to a multiple of so many frames, so that more of them share a batch on a GPU; it changes embeddings. */
  bucket?: number;
  /** Threads that decode for each rank; by default none on a CPU, and on a GPU up to 8, as far as there are cores. */
  decodeThreads?: number;
  /** Utterances of equal frame count that go through a GPU at once, at most; as many as fit in 64 MiB wait for others of their length. */
  batchSize?: number;
  /** One channel, or the mean of all. */
  channel?: number | "mean";
  /**
   * Embed the speech of a file alone, as Silero VAD finds it; how much there was stands in warnings.jsonl, and a file
   * without speech is a failure. It changes embeddings. False by default.
   */
  vad?: boolean;
  /**
   * Cut recordings into segments of speech of about so many seconds (half to twice as long), as Silero VAD
   * finds it: each is an utterance with its span, and the recording is its session. A recording without any is a failure.
   */
  segments?: number;
  /**
   * Measure the audio for `audit` too (a hash, a sketch, speech, level, noise), so that it need not be decoded again. Embeddings stay the
   * same; about 3 ms of CPU more for a second of audio. False by default.
   */
  checks?: boolean;
  /** Average unit vectors for the speakers. */
  normalize?: boolean;
  /** Write a pickle for every utterance and speaker too. */
  saveIndividual?: boolean;
  /** A rank that is silent for so long over one file counts as hung, and is treated as one that died. */
  fileTimeoutMs?: number;
  /** The same for its start, when it loads the model; at least a minute by default. */
  startTimeoutMs?: number;
  /** Try every file again that failed, also where the file's bytes decided it. */
  retryFailed?: boolean;
  /** Throw away what the folder holds. */
  overwrite?: boolean;
  /** Only one of several equal parts of the corpus, for as many machines that share the output folder. */
  shard?: Shard;
  /** Lines for a log. */
  onLog?: (line: string) => void;
}

/** What finds speech, as the identity of embeddings names it. */
const vadIdentity = "silero-vad 6.2.3";
/** What `checks` measures and how, likewise. */
const checksIdentity = `1, ${vadIdentity}`;

/**
 * Embeds every utterance of a corpus, on one process a rank, each with its device and its share of the files.
 *
 * What is done is not done again, whatever the number of ranks: a file is known by its path below the root (or as its
 * manifest has it), size and time, and the folder by model, configuration and channel. A file that cannot be embedded is a row in the failures.
 *
 * A failure that is not due to the file's content (a disk that was away, a missing FFmpeg, a crash) is tried again by the next
 * run. A fault of the machine is no failure of a file: it ends the rank.
 *
 * @throws `conflict` when the folder holds embeddings that were made another way, or another process works in it (a second call in
 * one process waits for the first); `missing`
 * when a rank died or its machine is at fault, naming what is missing (what was done is kept); `interrupted` when it was
 * stopped; `invalid` when nothing could be embedded
 *
 * @example
 * const result = await extract("data/speech", { outputDir: "embeddings_output", numRanks: 2 })
 */
export async function extract(corpus: Corpus | string, options: ExtractOptions = {}): Promise<ExtractResult> {
  const {
    outputDir = "embeddings_output",
    precision = "fp32",
    channel = "mean",
    vad = false,
    segments,
    checks = false,
    threads = 1,
    batchSize = 32,
    decodeThreads,
    overwrite = false,
    retryFailed = false,
  } = options;
  if (segments !== undefined) checkSeconds(segments);
  demandWhole("The batch size", batchSize, 1);
  if (!(Number.isInteger(decodeThreads ?? 0) && (decodeThreads ?? 0) >= 0))
    throw invalid(`decodeThreads is ${decodeThreads}; it must be a whole number from 0.`, {
      got: decodeThreads,
    });
  const devices = planRanks(options);
  const known = identifyModel({ ...options, precision });
  const identity: ExtractionIdentity = {
    version: 1,
    ...known.identity,
    channel,
    ...(vad ? { vad: vadIdentity } : {}),
    ...(segments === undefined ? {} : { segments: { detector: vadIdentity, seconds: segments } }),
    ...(checks ? { checks: checksIdentity } : {}),
  };
  const list = shardOf(typeof corpus === "string" ? await scan(corpus, options) : corpus, options.shard);
  const folder = partFolder(outputDir, options.shard);
  return await inTurn(resolve(folder), async () => {
    const lock = await lockFolder(folder, {
      purpose: "extracting embeddings",
      onWait: options.onLog,
      abortSignal: options.abortSignal,
    });
    try {
      // What cannot go on is told before hours of audio are looked at.
      if (segments !== undefined && !overwrite)
        checkIdentity(await readExtraction(outputDir, { ...list, utterances: [] }), identity);
      const settings = { ...options, outputDir, channel, overwrite, retryFailed, folder };
      const corpus =
        segments === undefined
          ? list
          : await segmentCorpus(list, { ...settings, seconds: segments, detector: vadIdentity });
      const { modelPath, configFile, config, bucket } = options;
      const model = { modelPath, configFile, config, precision, bucket, threads };
      const job = { folder, root: list.root, model, batchSize, channel, vad, checks, identity };
      const isChecked = known.config.golden === undefined || isModelChecked(options);
      return await extractPart(corpus, job, isChecked, devices, settings);
    } finally {
      await lock.release();
    }
  });
}

/** The last call of this process for each folder. */
const calls = new Map<string, Promise<unknown>>();

/** Waits for earlier calls of this process: a notebook cell that was interrupted may still be stopping its ranks. */
async function inTurn<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const call = (calls.get(folder) ?? Promise.resolve()).then(work, work);
  calls.set(folder, call);
  try {
    return await call;
  } finally {
    if (calls.get(folder) === call) calls.delete(folder);
  }
}

/**
 * Embeds the files of one part of a corpus, which nobody else works on.
 *
 * @param job what is the same for all ranks
 * @param isChecked whether the model is known to give its golden vector
 */
async function extractPart(
  list: Corpus,
  job: Omit<RankJob, "rank" | "model" | "decodeThreads" | "logEnd" | "individualFolder"> & {
    model: ModelOptions;
  },
  isChecked: boolean,
  devices: readonly string[],
  options: ExtractOptions & { outputDir: string; overwrite: boolean; retryFailed: boolean },
): Promise<ExtractResult> {
  const { folder, identity } = job;
  const {
    outputDir,
    normalize = false,
    saveIndividual = false,
    overwrite,
    retryFailed,
    fileTimeoutMs = 600_000,
    startTimeoutMs = Math.max(fileTimeoutMs, 60_000),
    onProgress,
    onLog,
    abortSignal,
  } = options;
  const before = await readExtraction(outputDir, list);
  if (overwrite) await discard(folder, before);
  else checkIdentity(before, identity);
  const todo = Int32Array.from(before.outcomes.keys()).filter(
    (index) => overwrite || isToDo(before, index, retryFailed),
  );
  const resumed = list.utterances.length - todo.length;
  await writeCorpusList(folder, list, options.shard);
  await writeFile(join(folder, "dataset_info.json"), pythonJson(datasetInfo(list)));
  if (resumed > 0)
    onLog?.(
      `${resumed} of ${quantity(list.utterances.length, "file")} ${resumed === 1 ? "was" : "were"} done before`,
    );
  if (todo.length > 0 && (options.bucket ?? 1) === 1 && devices.some((device) => device.startsWith("cuda")))
    onLog?.(
      "Hint: with --bucket 50, utterances share batches on the GPU and run several times as fast (docs/gpu.md)",
    );

  const individualFolder = saveIndividual ? join(folder, "embeddings_individual") : undefined;
  // All ranks would check the golden vector at the same time, so the first one does, and the others wait for that.
  const first = isChecked ? undefined : rankBegins();
  const shares = devices
    .map((device, rank) => ({ device, rank, indices: share(todo, rank, devices.length) }))
    .filter(({ indices }) => indices.length > 0);
  const ranks = await Promise.all(
    shares.map(async ({ device, rank, indices }, place) => {
      if (place > 0 && first !== undefined && !(await first.begins))
        return { rank, device, done: 0, failed: 0, stopped: false, seconds: 0 };
      const start = performance.now();
      const seconds = () => (performance.now() - start) / 1000;
      onProgress?.({ stage: "extract", rank, done: 0, failed: 0, total: indices.length, seconds: 0 });
      const result = await superviseRank(
        {
          ...job,
          rank,
          model: { ...job.model, device },
          decodeThreads: options.decodeThreads ?? decodeThreadsFor(device, devices.length),
          logEnd: overwrite
            ? 0
            : (before.logs.find((log) => log.folder === rankFolder(folder, rank))?.end ?? 0),
          individualFolder,
        },
        { indices, fileTimeoutMs, startTimeoutMs },
        list.utterances,
        {
          onStarted(opened) {
            first?.onEnd(true);
            onLog?.(`Rank ${rank}/${devices.length}: Starting on device ${opened}`);
            onLog?.(
              `Rank ${rank}: Processing ${quantity(indices.length, "file")} (indices ${indices[0]}-${indices.at(-1)})`,
            );
          },
          onProgress(done, failed) {
            onProgress?.({ stage: "extract", rank, done, failed, total: indices.length, seconds: seconds() });
          },
          onLog: (line) => onLog?.(line),
        },
        abortSignal,
      ).finally(() => first?.onEnd(false));
      if (result.error === undefined && !result.stopped)
        onLog?.(
          `Rank ${rank}: Finished ${quantity(result.done, "file")}, ${result.failed} failed, in ${seconds().toFixed(1)} s ` +
            `(${(result.done / seconds()).toFixed(1)} files/s)`,
        );
      return { rank, device, ...result, seconds: seconds() };
    }),
  );

  const after = await readExtraction(outputDir, list);
  const stored = after.outcomes.filter((outcome) => outcome !== undefined).length;
  if (abortSignal?.aborted || ranks.some(({ stopped }) => stopped))
    throw interrupted(
      `Extraction into ${outputDir} was stopped with ${stored} of ${quantity(list.utterances.length, "file")} stored. Run the same command again to go on.`,
      { path: outputDir },
    );
  for (const log of after.logs)
    if (log.folder === rankFolder(folder, log.rank))
      await writeRank(after, log, { normalize, individualFolder, worldSize: devices.length });
  if (individualFolder !== undefined) await writeIndividual(after, individualFolder, { normalize });
  const errors = ranks.flatMap(({ error }) => error ?? []);
  for (const { message } of errors.slice(1)) onLog?.(message);
  if (errors[0] !== undefined) throw errors[0];

  const undecided = after.outcomes.filter((outcome) => {
    const stored = outcome?.record.meta;
    return stored !== undefined && isFailure(stored) && !isDecided(stored);
  }).length;
  if (undecided > 0)
    onLog?.(
      `Warning: ${quantityIs(undecided, "failure")} not due to the files' own bytes; the same command tries ${undecided === 1 ? "it" : "them"} again`,
    );
  const failures = failuresOf(after);
  const embedded = after.outcomes.filter((outcome) => outcome && !isFailure(outcome.record.meta)).length;
  if (embedded === 0 && options.shard === undefined)
    throw invalid(
      `No file of ${list.root} could be embedded. The first, ${failures[0]?.path}: ${failures[0]?.reason}`,
      { path: list.root },
    );
  return showExtraction({
    outputDir,
    total: list.utterances.length + list.failures.length,
    embedded,
    resumed,
    failures,
    doubts: doubtsOf(after),
    ranks: ranks.map(({ error: _error, stopped: _stopped, ...rank }) => rank),
  });
}

/** Whether the first rank has opened its model: false where it ends without. Only what it says first counts. */
function rankBegins(): { begins: Promise<boolean>; onEnd(isOpen: boolean): void } {
  let onEnd: (isOpen: boolean) => void = () => {};
  const begins = new Promise<boolean>((resolve) => {
    onEnd = resolve;
  });
  return { begins, onEnd };
}

/** Nothing is known of the file, or its failure may not recur: it was not due to the file's content. */
function isToDo({ outcomes }: Extraction, index: number, retryFailed: boolean): boolean {
  const stored = outcomes[index]?.record.meta;
  return stored === undefined || (isFailure(stored) && (retryFailed || !isDecided(stored)));
}

/** A rank's share: contiguous, the shares as equal as they can be. */
function share(indices: Int32Array, rank: number, ranks: number): Int32Array {
  return indices.slice(
    Math.floor((indices.length * rank) / ranks),
    Math.floor((indices.length * (rank + 1)) / ranks),
  );
}

/** What of a corpus belongs to a shard. */
function shardOf(corpus: Corpus, shard: Shard | undefined): Corpus {
  if (shard === undefined) return corpus;
  if (!isShard(shard))
    throw invalid(
      `The shard is ${shard.index}/${shard.count}. Its index must be a whole number from 0, below the number of shards.`,
      { got: `${shard.index}/${shard.count}` },
    );
  const { root, utterances, failures } = corpus;
  const own = (file: string) => shardOfFile(file, shard.count) === shard.index;
  return {
    ...corpus,
    // The spans of a recording stay together, so that one shard decodes it.
    utterances: utterances.filter(({ file, span }) => own(span === undefined ? file : recordingOf(file))),
    failures: failures.filter(({ path }) => own(relative(root, path))),
  };
}

async function discard(folder: string, { logs }: Extraction): Promise<void> {
  for (const log of logs)
    if (log.folder === rankFolder(folder, log.rank)) await rm(log.folder, { recursive: true, force: true });
  await rm(join(folder, "embeddings_individual"), { recursive: true, force: true });
}

function datasetInfo({ utterances }: Corpus): unknown {
  const datasets = [...new Set(utterances.map(({ dataset }) => dataset))].sort(compare);
  return { total_files: utterances.length, datasets, num_datasets: datasets.length };
}
