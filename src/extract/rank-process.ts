import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { openModel } from "../embed/open-model.js";
import { reasonOf } from "../errors.js";
import {
  rankLogPath,
  readCorpusList,
  type StoredEmbedding,
  type StoredFailure,
  type StoredIdentity,
} from "../store/extraction.js";
import { individualUtterance, utterancePath } from "../store/individual.js";
import { openLog } from "../store/record-log.js";
import type { Utterance } from "../types.js";
import { embedEach, type Loaded, loadSignal, readBytes } from "./embed-file.js";
import type { ParentMessage, RankJob, RankMessage } from "./rank-messages.js";

/*
 * One rank, a process of its own: a native crash costs one rank, and a busy model blocks no other.
 * It takes its share of the corpus list, and logs each file as soon as it is embedded or has failed.
 */

/** What a record says of a file besides what came of it. */
type Known = "file" | "size" | "mtimeMs" | "at";

/** Bytes that lie in memory before their turn comes. */
const readAheadBytes = 64 << 20;

let stopping = false;
// Ctrl-C reaches every process of the terminal: the parent decides when ranks stop.
process.on("SIGINT", () => {});
process.on("disconnect", () => process.exit(1));
process.on("message", (message: ParentMessage) => {
  if (message.type === "stop") stopping = true;
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
  const { utterances } = await readCorpusList(job.folder);
  const todo = Array.from(job.indices, (index) => ({ index, utterance: utterances[index]! }));
  utterances.length = 0;
  const model = await openModel(job);
  tell({ type: "started", device: model.device });
  const path = rankLogPath(job.folder, job.rank);
  mkdirSync(dirname(path), { recursive: true });
  const log = openLog(path, job.logEnd);
  if (job.logEnd === 0) log.append({ identity: job.identity, device: model.device } satisfies StoredIdentity);
  const folders = new Set<string>();
  let done = 0;
  let failed = 0;
  let told = 0;
  let synced = Date.now();

  const store = (
    utterance: Utterance,
    stored: Omit<StoredEmbedding, Known> | Omit<StoredFailure, Known>,
    vector?: Float32Array,
  ) => {
    const { file, size, mtimeMs } = utterance;
    // The pickle first: a file that the log knows is one that has it.
    if (vector !== undefined && job.individualFolder !== undefined) writeIndividual(utterance, vector);
    const now = Date.now();
    log.append({ file, size, mtimeMs, ...stored, at: now }, vector);
    if (vector === undefined) failed++;
    done++;
    if (now - told >= 200) {
      told = now;
      tell({ type: "progress", done, failed });
    }
    // What the page cache holds survives a killed process; only a machine that stops loses it.
    if (now - synced >= 5000) {
      synced = now;
      log.sync();
    }
  };
  const writeIndividual = (utterance: Utterance, embedding: Float32Array) => {
    const target = utterancePath(job.individualFolder!, utterance);
    const folder = dirname(target);
    if (!folders.has(folder)) mkdirSync(folder, { recursive: true });
    folders.add(folder);
    writeFileSync(`${target}.tmp`, individualUtterance({ ...utterance, embedding }));
    renameSync(`${target}.tmp`, target);
  };

  // On a CPU a batch gains nothing, so each file is stored as soon as it can be.
  const groupSize = model.device === "cpu" ? 1 : job.batchSize;
  let group: { utterance: Utterance; loaded: Extract<Loaded, { signal: unknown }> }[] = [];
  const flush = async () => {
    const results = await embedEach(
      group.map(({ loaded }) => loaded.signal),
      model,
      job.batchSize,
    );
    results.forEach((result, index) => {
      const { utterance, loaded } = group[index]!;
      if (!(result instanceof Float32Array)) store(utterance, result);
      else {
        const { seconds, doubts } = loaded;
        store(utterance, doubts.length > 0 ? { seconds, doubts } : { seconds }, result);
      }
    });
    group = [];
  };

  try {
    for await (const { item, value: bytes } of readAhead(todo)) {
      if (stopping) break;
      const { index, utterance } = item;
      tell({ type: "current", index });
      const stillHere = () => tell({ type: "current", index });
      const loaded =
        bytes instanceof Uint8Array ? await loadSignal(bytes, model, job.channel, stillHere) : bytes;
      if ("signal" in loaded) group.push({ utterance, loaded });
      else if ("embedding" in loaded) {
        const { embedding, ...stored } = loaded;
        store(utterance, stored, embedding);
      } else store(utterance, loaded);
      if (group.length >= groupSize) await flush();
    }
    if (group.length > 0) await flush();
  } finally {
    log.close();
  }
  await model.close();
  return stopping && done < todo.length ? { type: "stopped" } : { type: "finished", done, failed };
}

interface Item {
  index: number;
  utterance: Utterance;
}

/** Keeps reads under way ahead of the one that is waited for, a few files and not too many bytes, in order. */
async function* readAhead(
  items: readonly Item[],
): AsyncGenerator<{ item: Item; value: Awaited<ReturnType<typeof readBytes>> }> {
  const pending: ReturnType<typeof readBytes>[] = [];
  let bytes = 0;
  for (const [index, item] of items.entries()) {
    for (;;) {
      const next = items[index + pending.length];
      const fits = pending.length < 5 && bytes + (next?.utterance.size ?? 0) <= readAheadBytes;
      if (next === undefined || (!fits && pending.length > 0)) break;
      pending.push(readBytes(next.utterance));
      bytes += next.utterance.size;
    }
    yield { item, value: await pending.shift()! };
    bytes -= item.utterance.size;
  }
}
