import { once } from "node:events";
import { existsSync, rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { Channel } from "../audio/mixdown.js";
import type { Corpus } from "../corpus/corpus.js";
import { nameUtterances, type OnCollision } from "../corpus/name-utterances.js";
import { spanName } from "../corpus/plan.js";
import { reasonOf, stoppable, throwIfAborted, unsupported } from "../errors.js";
import { startThread, type Thread } from "../runtime/threads.js";
import { quantity } from "../shared/text.js";
import { segmentsLog } from "../store/extraction.js";
import { openLog, scanLog } from "../store/record-log.js";
import type { Failure, LongTask, Progress, Utterance } from "../types.js";
import { compare } from "../util/compare.js";
import { flat } from "../util/flat.js";
import { groupBy } from "../util/group-by.js";
import { makeFolder } from "../util/make-folder.js";
import type { Refusal } from "./fault.js";
import type {
  FoundSegments,
  SegmentAnswer,
  SegmentRequest,
  SegmentThreadSettings,
} from "./segment-thread.js";

export interface SegmentCorpusOptions extends LongTask<Extract<Progress, { stage: "segments" }>> {
  /** How long segments should be. */
  seconds: number;
  channel: Channel;
  /** What finds speech. */
  detector: string;
  /** Where the log of what was found lies. */
  folder: string;
  /** Forget what was found before. */
  overwrite: boolean;
  retryFailed: boolean;
  onCollision?: OnCollision | undefined;
  onLog?: ((line: string) => void) | undefined;
}

type Found = FoundSegments | Refusal;

/** What the log says of a recording. */
interface StoredSegments {
  file: string;
  size: number;
  mtimeMs: number;
  found: Found;
}

/**
 * The corpus with a span for each segment of speech instead of its recordings: a corpus like one whose manifest had named
 * them, so that an extraction of it needs to know no more of them.
 *
 * What was found in a recording is kept in a log in the folder of the extraction: after a kill only the rest is looked at, and
 * a second run decodes nothing. A recording without a segment is a failure.
 *
 * @throws `unsupported` for members of archives and rows of tables; `conflict` for two segments of one key; `interrupted`
 */
export async function segmentCorpus(corpus: Corpus, options: SegmentCorpusOptions): Promise<Corpus> {
  const { seconds, onCollision, onLog } = options;
  const { utterances } = corpus;
  const packed = utterances.find(({ offset, cell }) => offset !== undefined || cell !== undefined);
  if (packed !== undefined)
    throw unsupported(
      `${packed.file} lies within ${packed.path}, and only files and their spans can be cut into segments. Unpack it, or leave --segments out.`,
      { path: packed.path },
    );
  const found = await findSegments(utterances, options);
  const unnamed: Utterance[] = [];
  const failures: Failure[] = [...corpus.failures];
  let [speech, kept] = [0, 0];
  for (const [index, utterance] of utterances.entries()) {
    const own = found[index]!;
    const refused = refusalOf(own, seconds);
    if (refused !== undefined) failures.push(failureOf(utterance, refused));
    if ("stage" in own) continue;
    speech += own.speech;
    for (const [start, end] of own.segments) {
      unnamed.push(segmentOf(utterance, start, end));
      kept += end - start;
    }
  }
  const hours = (value: number) =>
    value < 5400 ? `${Math.round(value)} s` : `${(value / 3600).toFixed(1)} h`;
  onLog?.(
    `${quantity(unnamed.length, "segment")}, ${hours(kept)} in all, of ${quantity(utterances.length, "recording")} with ${hours(speech)} of speech`,
  );
  return {
    ...corpus,
    utterances: nameUtterances(unnamed, onCollision, ({ file }) => file),
    failures: failures.sort((a, b) => compare(a.path, b.path)),
  };
}

function segmentOf(recording: Utterance, start: number, end: number): Utterance {
  const { utteranceId, file, channel, seconds: _, ...kept } = recording;
  const span = { start, end };
  return {
    ...kept,
    session: recording.session ?? file,
    utteranceId: flat(utteranceId, `-${start}-${end}`),
    file: flat(file, spanName(span, undefined)),
    span,
    ...(channel === undefined ? {} : { channel }),
  };
}

/** Why there is nothing to embed, as far as that is so. */
function refusalOf(found: Found, seconds: number): Pick<Refusal, "stage" | "reason"> | undefined {
  if ("stage" in found) return found;
  if (found.segments.length > 0) return undefined;
  const shown = (value: number) => `${Number(value.toFixed(2))} s`;
  const reason =
    found.speech === 0
      ? `no speech in ${shown(found.of)}`
      : `${shown(found.speech)} of speech in ${shown(found.of)}, nowhere ${shown(seconds / 2)} of it together`;
  return { stage: "signal", reason };
}

const failureOf = (
  { path, dataset, speakerId, utteranceId }: Utterance,
  { stage, reason }: Pick<Refusal, "stage" | "reason">,
): Failure => ({ path, dataset, speakerId, utteranceId, stage, reason });

/** What is found in each utterance: as the log of an earlier run has it, or by looking. */
async function findSegments(
  utterances: readonly Utterance[],
  options: SegmentCorpusOptions,
): Promise<Found[]> {
  const { folder, seconds, channel, detector, overwrite, retryFailed, onLog, onProgress, abortSignal } =
    options;
  const settings = { detector, seconds, channel };
  const path = join(folder, segmentsLog);
  if (overwrite) rmSync(path, { force: true });
  const known = existsSync(path) ? await readSegments(path, settings) : undefined;
  const found = utterances.map(({ file, size, mtimeMs }): Found | undefined => {
    const stored = known?.segments.get(file);
    if (stored?.size !== size || stored.mtimeMs !== mtimeMs) return undefined;
    const isToDo = "stage" in stored.found && (retryFailed || !stored.found.decided);
    return isToDo ? undefined : stored.found;
  });
  const todo = [...found.keys()].filter((index) => found[index] === undefined);
  if (todo.length === 0) return found as Found[];
  onLog?.(`Looking for speech in ${quantity(todo.length, "recording")}`);
  makeFolder(folder);
  const log = openLog(path, known?.end ?? 0);
  try {
    if (known === undefined) log.append({ settings });
    let done = utterances.length - todo.length;
    onProgress?.({ stage: "segments", done, total: utterances.length });
    const onFound = (index: number, own: Found) => {
      found[index] = own;
      const { file, size, mtimeMs } = utterances[index]!;
      log.append({ file, size, mtimeMs, found: own } satisfies StoredSegments);
      onProgress?.({ stage: "segments", done: ++done, total: utterances.length });
    };
    // The spans of a recording come together, so that one thread decodes it once.
    const groups = groupBy(todo, (index) => utterances[index]!.path);
    await stoppable(
      "The search for speech",
      () => inThreads([...groups.values()], utterances, { channel, seconds }, abortSignal, onFound),
      `What was found is kept in ${folder}. Run the same command again to go on.`,
    );
  } finally {
    log.close();
  }
  return found as Found[];
}

/** What an earlier run found with the same settings; undefined where they were others. */
async function readSegments(
  path: string,
  settings: object,
): Promise<{ segments: Map<string, StoredSegments>; end: number } | undefined> {
  const segments = new Map<string, StoredSegments>();
  let isSame = false;
  const { end } = await scanLog<StoredSegments | { settings: object }>(path, ({ meta }) => {
    if ("settings" in meta) isSame = JSON.stringify(meta.settings) === JSON.stringify(settings);
    else segments.set(meta.file, meta);
  });
  return isSame ? { segments, end } : undefined;
}

/** Looks at recordings on as many threads as there are cores; decoding and the detector are all on the CPU. */
async function inThreads(
  groups: readonly number[][],
  utterances: readonly Utterance[],
  settings: SegmentThreadSettings,
  abortSignal: AbortSignal | undefined,
  onFound: (index: number, found: Found) => void,
): Promise<void> {
  // All threads take from one queue, until one of them fails.
  const queue = groups.values();
  const over = new AbortController();
  const stopped = AbortSignal.any([over.signal, ...(abortSignal === undefined ? [] : [abortSignal])]);
  const work = async () => {
    let thread: Thread | undefined;
    const stop = () => thread?.postMessage("stop" satisfies SegmentRequest);
    stopped.addEventListener("abort", stop);
    try {
      for (const group of queue)
        for (const [at, index] of group.entries()) {
          throwIfAborted("The search for speech", stopped);
          thread ??= startThread(join(__dirname, "segment-thread.js"), settings);
          let answer: SegmentAnswer;
          try {
            answer = await ask(thread, utterances[index]!);
          } catch (error) {
            thread = undefined;
            const reason = `the thread that decoded it died: ${reasonOf(error)}`;
            for (const left of group.slice(at)) onFound(left, { stage: "process", reason, decided: false });
            break;
          }
          if ("fault" in answer) throw Object.assign(answer.fault, answer.fields);
          onFound(index, answer.found);
        }
    } finally {
      stopped.removeEventListener("abort", stop);
      await thread?.end();
    }
  };
  const works = Array.from({ length: Math.min(availableParallelism(), groups.length) }, work);
  try {
    await Promise.all(works);
  } finally {
    // Nobody takes what a thread finds after this.
    over.abort();
    await Promise.allSettled(works);
  }
}

/** Has a thread look at an utterance. Rejects where the thread dies over it. */
async function ask(
  thread: Thread,
  { path, size, mtimeMs, span, channel }: Utterance,
): Promise<SegmentAnswer> {
  thread.postMessage({ path, size, mtimeMs, span, channel } satisfies SegmentRequest);
  const [answer] = (await once(thread, "message")) as [SegmentAnswer];
  return answer;
}
