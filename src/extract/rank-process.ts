import { dirname } from "node:path";
import type { SignalChecks } from "../checks/signal-checks.js";
import { memoryOf, openAudio } from "../corpus/open-audio.js";
import { openModel } from "../embed/open-model.js";
import { conflict, reasonOf } from "../errors.js";
import {
  rankLogPath,
  type StoredEmbedding,
  type StoredFailure,
  type StoredIdentity,
  withSketch,
} from "../store/extraction.js";
import { openIndividualWriter } from "../store/individual-writer.js";
import { openLog } from "../store/record-log.js";
import type { Utterance } from "../types.js";
import { makeFolder } from "../util/make-folder.js";
import { byLength } from "./by-length.js";
import { embedEach, type Loaded, loadPieces, readBytes } from "./embed-file.js";
import { checkRoot, type Refusal } from "./fault.js";
import { type Piece, type Preparer, prepare, type StoredDoubt } from "./prepare.js";
import { prepareInThreads } from "./prepare-in-threads.js";
import type { ParentMessage, RankItem, RankJob, RankMessage } from "./rank-messages.js";

/*
 * One rank, a process of its own: a native crash costs one rank, and a busy model blocks no other.
 * It is given its files a handful at a time, and logs each as soon as it is embedded or has failed.
 */

/** The fields of a record that do not depend on the outcome. */
type Known = "file" | "size" | "mtimeMs" | "at";

/** An utterance whose features are ready. */
type Gathered = Pick<RankItem, "index" | "utterance"> & Extract<Loaded, { features: unknown }>;

/** Files that are read ahead at most, beside those that threads prepare, and their bytes; twice these with threads. */
const filesAhead = 5;
const bytesAhead = 64 << 20;

let stopping = false;
let onItems: ((items: RankItem[]) => void) | undefined;
// Ctrl-C reaches every process of a terminal, and an interrupted notebook cell signals its child processes: the rank then
// finishes the file in hand.
process.on("SIGINT", () => {
  stopping = true;
});
process.on("disconnect", () => process.exit(1));
process.on("message", (message: ParentMessage) => {
  if (message.type === "stop") stopping = true;
  else if (message.type === "items") onItems?.(message.items);
  else
    run(message.job).then(
      (done) => finish(done),
      (error) => finish({ type: "error", message: reasonOf(error) }, 1),
    );
});

function tell(message: RankMessage): void {
  process.send?.(message);
}

function finish(message: RankMessage, exitCode = 0): void {
  process.send?.(message, undefined, undefined, () => process.exit(exitCode));
}

async function run(job: RankJob): Promise<RankMessage> {
  const model = await openModel(job.model);
  if (JSON.stringify({ ...job.identity, ...model.identity }) !== JSON.stringify(job.identity))
    throw conflict(
      `The model ${model.path} or its configuration has changed since the command started. Start it again.`,
      {
        path: model.path,
      },
    );
  tell({ type: "started", device: model.device });
  const path = rankLogPath(job.folder, job.rank);
  makeFolder(dirname(path));
  const log = openLog(path, job.logEnd);
  if (job.logEnd === 0) log.append({ identity: job.identity, device: model.device } satisfies StoredIdentity);
  const individual =
    job.individualFolder === undefined ? undefined : openIndividualWriter(job.individualFolder);
  let done = 0;
  let failed = 0;
  let told = 0;
  let synced = Date.now();

  const store = (
    utterance: Utterance,
    stored: Omit<StoredEmbedding, Known | "checks"> | Omit<StoredFailure, Known>,
    vector?: Float32Array,
    checks?: SignalChecks,
  ) => {
    const { file, size, mtimeMs } = utterance;
    // The pickle first, because every file in the log must have one.
    if (vector !== undefined) individual?.utterance({ ...utterance, embedding: vector });
    const now = Date.now();
    const known = { file, size, mtimeMs, ...stored, at: now };
    if (vector === undefined || checks === undefined) log.append(known, vector);
    else {
      const { sketch, ...measured } = checks;
      log.append(
        { ...known, checks: { ...measured, sketchBytes: sketch.length } },
        withSketch(vector, sketch),
      );
    }
    if (vector === undefined) failed++;
    done++;
    if (now - told >= 200) {
      told = now;
      tell({ type: "progress", done, failed });
    }
    // The page cache survives a killed process; syncing guards against a machine that stops.
    if (now - synced >= 5000) {
      synced = now;
      log.sync();
    }
  };
  /** Embeds utterances of one length together. */
  const embed = async (group: readonly Gathered[]) => {
    if (group.length === 0) return;
    // From here on each of them may be the one that kills the process.
    tell({ type: "current", indices: group.map(({ index }) => index) });
    const results = await embedEach(
      group.map(({ features }) => features),
      model,
      job.batchSize,
    );
    results.forEach((result, position) => {
      const { utterance, seconds, doubts, checks } = group[position]!;
      if (!(result instanceof Float32Array)) store(utterance, result);
      else store(utterance, doubts.length > 0 ? { seconds, doubts } : { seconds }, result, checks);
    });
  };
  // On a CPU a batch gains nothing, so each file is stored as soon as it can be.
  const waiting = byLength<Gathered>(model.device === "cpu" ? 1 : job.batchSize);

  const { decodeThreads, channel, vad, checks } = job;
  const preparer: Preparer =
    decodeThreads > 0
      ? prepareInThreads(decodeThreads, { frontEnd: model.frontEnd, channel, vad, checks })
      : {
          prepare: (bytes, own = channel) => prepare(bytes, model, own, { vad, checks }),
          close: async () => {},
        };
  const reader = openAudio();
  const begin = async (item: RankItem): Promise<Prepared> => {
    const read = await readBytes(reader, item.utterance);
    if ("stage" in read) return { item, file: read, doubts: [] };
    return { item, file: preparer.prepare(read.bytes, item.utterance.channel), doubts: read.doubts };
  };
  let finished = false;
  try {
    const most = {
      files: filesAhead + 2 * decodeThreads,
      bytes: decodeThreads > 0 ? 2 * bytesAhead : bytesAhead,
    };
    for await (const { item, file, doubts } of ahead(items(), most, begin)) {
      if (stopping) break;
      const { index, utterance, alone } = item;
      const stillHere = () => tell({ type: "current", indices: [index] });
      stillHere();
      const loaded = "stage" in file ? file : await loadPieces(file, model, stillHere);
      if ("doubts" in loaded) loaded.doubts.push(...doubts);
      if ("stage" in loaded && loaded.stage === "read") checkRoot(job.root);
      if ("features" in loaded) {
        const gathered = { index, utterance, ...loaded };
        await embed(alone ? [gathered] : waiting.add(gathered));
      } else if ("embedding" in loaded) {
        const { embedding, checks, ...stored } = loaded;
        store(utterance, stored, embedding, checks);
      } else store(utterance, loaded);
    }
    // What waits when it is stopped is not lost: the next run embeds it.
    for (const group of waiting.rest()) if (!stopping) await embed(group);
    finished = !stopping;
  } finally {
    log.close();
    await preparer.close();
    await reader.close();
  }
  await model.close();
  return finished ? { type: "finished", done, failed } : { type: "stopped" };
}

/** The files of this rank, in the order of the corpus list; the next handful is on its way while one is worked on. */
async function* items(): AsyncGenerator<RankItem> {
  const ask = () =>
    new Promise<RankItem[]>((resolve) => {
      onItems = resolve;
      tell({ type: "more" });
    });
  for (let next = ask(); ; ) {
    const handful = await next;
    if (handful.length === 0) return;
    next = ask();
    yield* handful;
  }
}

/** A file that is being prepared, or why it could not be read. */
interface Prepared {
  item: RankItem;
  file: AsyncIterable<Piece> | Refusal;
  /** What is doubtful about it already. */
  doubts: StoredDoubt[];
}

/** Begins files ahead of the one that is awaited, as many as `most` allows; in order. */
async function* ahead(
  items: AsyncIterable<RankItem>,
  most: { files: number; bytes: number },
  begin: (item: RankItem) => Promise<Prepared>,
): AsyncGenerator<Prepared> {
  const pending: { size: number; begun: Promise<Prepared> }[] = [];
  let bytes = 0;
  for await (const item of items) {
    const size = memoryOf(item.utterance);
    while (pending.length >= most.files || (pending.length > 0 && bytes + size > most.bytes)) {
      const next = pending.shift()!;
      yield next.begun;
      bytes -= next.size;
    }
    const begun = begin(item);
    // Awaited later; until then a rejection must not count as unhandled.
    begun.catch(() => {});
    pending.push({ size, begun });
    bytes += size;
  }
  for (const { begun } of pending) yield begun;
}
