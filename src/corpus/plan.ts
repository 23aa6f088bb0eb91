import { existsSync } from "node:fs";
import { stat } from "node:fs/promises";
import { isAbsolute, join, posix, resolve } from "node:path";
import { missing, reasonOf, shown, throwIfAborted } from "../errors.js";
import { quantity } from "../shared/text.js";
import type { Failure, LongTask, Progress, Span, Utterance } from "../types.js";
import { compare } from "../util/compare.js";
import { flat } from "../util/flat.js";
import type { Corpus, ManifestOrigin } from "./corpus.js";
import { type BadEntry, type Entry, isBad, type Listing } from "./listing.js";
import { nameUtterances, type OnCollision } from "./name-utterances.js";
import { sharedNames } from "./shared-names.js";
import { showCorpus } from "./show-corpus.js";
import { spellingWarnings } from "./spelling-warnings.js";

export interface PlanOptions extends LongTask<Extract<Progress, { stage: "scan" }>> {
  /** The data set of entries that name none. */
  dataset?: string;
  /** What paths begin with in the manifest, and what they begin with here. */
  pathPrefix?: readonly [old: string, now: string];
  onCollision?: OnCollision;
}

/** Files whose facts are asked for at a time: on a network file system each answer takes its time. */
const statsAtOnce = 64;

/** So many files are looked for in every folder that relative paths might be meant from. */
const probes = 100;

/**
 * Makes a corpus of what a manifest lists: finds the files, and names the utterances.
 *
 * A line that cannot be understood, or whose file is not there, is a failure.
 *
 * @throws `missing` when none of the files is there; `conflict` when two lines would share a key
 */
export async function planCorpus(
  listing: Listing,
  origin: ManifestOrigin,
  options: PlanOptions = {},
): Promise<Corpus> {
  const { dataset = listing.dataset, pathPrefix, onCollision, onProgress, abortSignal } = options;
  const failures: Failure[] = [];
  const utterances: Utterance[] = [];
  const files = new Files(pathPrefix);
  const shared = sharedNames();
  const place = ({ line, file }: { line?: number | undefined; file: string }) =>
    line === undefined ? file : `line ${line} of ${listing.file}`;
  const refuse = (entry: Entry | BadEntry, reason: string) =>
    failures.push({
      path: entry.path === undefined ? listing.file : files.resolved(entry.path),
      dataset: ("dataset" in entry ? entry.dataset : undefined) ?? dataset,
      speakerId: ("speakerId" in entry ? entry.speakerId : undefined) ?? null,
      utteranceId: entry.utteranceId ?? "",
      stage: "read",
      reason,
    });

  let read = 0;
  for await (const entry of listing.entries) {
    if (read++ % 1000 === 0) {
      throwIfAborted("Reading the manifest", abortSignal);
      onProgress?.({ stage: "scan", files: utterances.length });
    }
    const reason = isBad(entry) ? entry.reason : problemOf(entry, place);
    if (reason !== undefined) refuse(entry, reason);
    else utterances.push(utteranceOf(entry as Entry, files.add(entry.path!), dataset, shared));
  }
  onProgress?.({ stage: "scan", files: utterances.length });
  if (utterances.length === 0)
    throw missing(
      `${origin.path} lists no utterance${failures.length === 0 ? "" : ` that can be understood. The first problem: ${failures[0]!.reason}`}.`.replace(
        /\.\.$/,
        ".",
      ),
      { path: origin.path },
    );
  files.chooseFolder(listing.folders);
  const { sizes, times, problems } = await files.look(abortSignal);
  if (problems.size === files.count) throw noneFound(origin.path, files, place(utterances[0]!));
  // In place: another array of a million would count.
  let kept = 0;
  for (const utterance of utterances) {
    const own = files.indexOf(utterance.path);
    const problem = problems.get(own);
    utterance.path = files.path(own);
    if (problem !== undefined) {
      const { path, dataset, speakerId, utteranceId } = utterance;
      const reason = `${problem} (${place(utterance)}).`;
      failures.push({ path, dataset, speakerId, utteranceId, stage: "read", reason });
      continue;
    }
    utterance.mtimeMs = times[own]!;
    if (utterance.offset === undefined && utterance.cell === undefined) utterance.size = sizes[own]!;
    utterances[kept++] = utterance;
  }
  utterances.length = kept;
  nameByPath(utterances);
  utterances.sort((a, b) => compare(a.file, b.file));
  makeDistinct(utterances);
  nameUtterances(utterances, onCollision, place);
  failures.sort((a, b) => compare(a.path, b.path));
  return showCorpus({
    root: files.commonFolder(),
    utterances,
    failures,
    warnings: [...listing.warnings, ...spellingWarnings(utterances)],
    manifest: origin,
  });
}

/** What is wrong with an entry, as a sentence. */
function problemOf(
  entry: Entry,
  place: (entry: { line?: number; file: string }) => string,
): string | undefined {
  const where = () => sentenceCase(place({ line: entry.line, file: entry.inside?.name ?? entry.path }));
  const { path, span, channel, speakerId, dataset, utteranceId } = entry;
  if (path === "") return `${where()} has no path.`;
  if (path.includes("\0")) return `${where()} has a path with a null character.`;
  // Files are named after them.
  for (const [what, name] of Object.entries({
    speaker: speakerId,
    "data set": dataset,
    utterance: utteranceId,
  }))
    if (
      typeof name === "string" &&
      /(^|\/)\.{0,2}(\/|$)/.test(name) &&
      (what === "utterance" ? name !== "" : !name.includes("/"))
    )
      return `${where()} has ${shown(name)} as the name of its ${what}, which no file can have.`;
  if (channel !== undefined && !(Number.isInteger(channel) && channel >= 0))
    return `${where()} names the channel ${shown(channel)}; channels are whole numbers from 0.`;
  if (span === undefined) return undefined;
  const { start, end } = span;
  if (!Number.isFinite(start) || !(end === undefined || Number.isFinite(end)))
    return `${where()} has a span from ${start} to ${end ?? "the end"}, which are no times in seconds.`;
  if (start < 0) return `${where()} has a span that starts at ${start} s, before the recording.`;
  if (end !== undefined && end <= start)
    return `${where()} has a span of no length: it starts at ${start} s and ends at ${end} s.`;
  return undefined;
}

const sentenceCase = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

/** `path` is how the manifest has it, until all files have been looked at. */
function utteranceOf(
  entry: Entry,
  path: string,
  dataset: string,
  shared: (name: string) => string,
): Utterance {
  const { line, span, channel, seconds, fields, session, inside } = entry;
  // All fields in one literal: with those left out that an entry lacks, a million utterances would take a fifth more memory.
  return {
    key: "",
    speakerKey: null,
    dataset: shared(entry.dataset ?? dataset),
    speakerId: entry.speakerId === undefined || entry.speakerId === null ? null : shared(entry.speakerId),
    utteranceId: entry.utteranceId?.replace(/^\/+/, "") ?? "",
    session: session === undefined ? undefined : shared(session),
    file: flat(
      inside === undefined ? path : `${posix.basename(path)}/${inside.name}`,
      spanName(span, channel),
    ),
    path,
    size: inside?.size ?? 0,
    mtimeMs: 0,
    span,
    offset: inside?.offset,
    cell: inside?.cell,
    channel,
    // That of a span shows in it. Some write -1 for a length that they do not know.
    seconds: span?.end === undefined && seconds !== undefined && seconds >= 0 ? seconds : undefined,
    fields,
    line,
  };
}

/** Times of a fixed width, so that the spans of a recording sort in its order. */
export function spanName(span: Span | undefined, channel: number | undefined): string {
  if (span === undefined) return channel === undefined ? "" : `#c${channel}`;
  const time = (seconds: number) => seconds.toFixed(6).padStart(13, "0");
  const end = span.end === undefined ? "" : time(span.end);
  return `#${time(span.start)}-${end}${channel === undefined ? "" : `c${channel}`}`;
}

/** The files that a manifest names, each looked at once. */
class Files {
  readonly #indices = new Map<string, number>();
  readonly #written: string[] = [];
  readonly #paths: string[] = [];
  #folder = "";

  constructor(readonly prefix: PlanOptions["pathPrefix"]) {}

  /** Adds a file, and gives its path without what is needless in it: one string for all that name it. */
  add(path: string): string {
    const tidy = tidied(path);
    const index = this.#indices.get(tidy);
    if (index !== undefined) return this.#written[index]!;
    this.#indices.set(tidy, this.#written.length);
    this.#written.push(tidy);
    return tidy;
  }

  indexOf(written: string): number {
    return this.#indices.get(written)!;
  }

  written(index: number): string {
    return this.#written[index]!;
  }

  get count(): number {
    return this.#written.length;
  }

  /** The folder that most of the relative paths are there in; each is tried with a few. */
  chooseFolder(folders: readonly string[]): void {
    const relative = this.#written.filter((path) => !isAbsolute(this.#mapped(path))).slice(0, probes);
    let best = -1;
    for (const folder of folders) {
      // Of a path that cannot be looked at, the reason is told where all are.
      const there = relative.filter((path) => existsSync(join(folder, this.#mapped(path)))).length;
      if (there > best) {
        best = there;
        this.#folder = folder;
      }
    }
  }

  /** Where a path of the manifest leads here. */
  resolved(path: string): string {
    const mapped = this.#mapped(tidied(path));
    return isAbsolute(mapped) ? mapped : join(this.#folder, mapped);
  }

  /** Where a file is here. */
  path(index: number): string {
    this.#paths[index] ??= this.resolved(this.#written[index]!);
    return this.#paths[index]!;
  }

  /** Size and time of each file, by its index, or what is wrong with it. */
  async look(
    abortSignal: AbortSignal | undefined,
  ): Promise<{ sizes: Float64Array; times: Float64Array; problems: Map<number, string> }> {
    const sizes = new Float64Array(this.count);
    const times = new Float64Array(this.count);
    const problems = new Map<number, string>();
    let next = 0;
    const worker = async () => {
      while (next < this.count) {
        throwIfAborted("Reading the manifest", abortSignal);
        const index = next++;
        const path = this.path(index);
        try {
          const stats = await stat(path);
          [sizes[index], times[index]] = [stats.size, stats.mtimeMs];
          if (!stats.isFile()) problems.set(index, `${path} is no file`);
        } catch (error) {
          const isGone = (error as NodeJS.ErrnoException).code === "ENOENT";
          problems.set(
            index,
            isGone ? `There is no file ${path}` : `${path} cannot be read: ${reasonOf(error)}`,
          );
        }
      }
    };
    await Promise.all(Array.from({ length: statsAtOnce }, worker));
    return { sizes, times, problems };
  }

  /** The folder that all files lie below. */
  commonFolder(): string {
    return commonFolder(this.#written.map((_, index) => this.path(index)));
  }

  #mapped(path: string): string {
    if (this.prefix === undefined) return path;
    const [old, now] = this.prefix;
    return path.startsWith(old) ? join(now, path.slice(old.length)) : path;
  }
}

/** With slashes, also where another system wrote backslashes, and without needless parts. */
function tidied(path: string): string {
  const slashes = path.includes("\\") && !path.includes("/") ? path.replaceAll("\\", "/") : path;
  return posix.normalize(slashes);
}

function commonFolder(paths: readonly string[]): string {
  let common = posix.dirname(resolve(paths[0] ?? "."));
  for (const path of paths)
    while (common !== "/" && !path.startsWith(`${common}/`) && !resolve(path).startsWith(`${common}/`))
      common = posix.dirname(common);
  return common;
}

function noneFound(manifest: string, files: Files, place: string): Error {
  const path = files.written(0);
  const scheme = /^([a-z][a-z0-9+.-]*):\//.exec(path);
  const advice =
    scheme === null
      ? "If they lie elsewhere here, give --path_prefix OLD=NEW: what the paths begin with, and what that is on this machine."
      : `What begins with ${scheme[1]}: is not on this machine: copy the files, and give --path_prefix OLD=NEW.`;
  return missing(
    `None of the ${quantity(files.count, "file")} that ${manifest} names is there, such as ${files.resolved(path)} (${place}). ${advice}`,
    { path: manifest },
  );
}

/**
 * Names the utterances that have no name after their path: below the folder that all lie in, and below that of data set and
 * speaker, so that they have the names that a scan of these folders gives.
 */
function nameByPath(utterances: readonly Utterance[]): void {
  const unnamed = utterances.filter(({ utteranceId }) => utteranceId === "");
  if (unnamed.length === 0) return;
  const whole = (file: string) => file.replace(/#[^#]*$/, "");
  const common = commonFolder(unnamed.map(({ file }) => `/${file}`));
  const start = common === "/" ? 0 : common.length;
  for (const utterance of unnamed) {
    const { dataset, speakerId, file, span, channel } = utterance;
    const isPart = span !== undefined || channel !== undefined;
    const path = isPart ? whole(file) : file;
    let name = path.slice(start).replace(/^\/+/, "");
    if (name.startsWith(`${dataset}/`)) name = name.slice(dataset.length + 1);
    if (speakerId !== null && name.startsWith(`${speakerId}/`)) name = name.slice(speakerId.length + 1);
    name = name.replace(/(?<=[^/])\.[^./]*$/, "");
    const part = span === undefined ? "" : `-${span.start}-${span.end ?? "end"}`;
    utterance.utteranceId = flat(name, part, channel === undefined ? "" : `-c${channel}`);
  }
}

/**
 * The same audio under two names, as where two people speak at once: what it is known by must tell them apart.
 *
 * @param utterances sorted by what their audio is known by
 */
function makeDistinct(utterances: readonly Utterance[]): void {
  let last: string | undefined;
  for (const utterance of utterances) {
    const { file, dataset, speakerId, utteranceId } = utterance;
    if (file === last) utterance.file += `=${dataset}/${speakerId ?? ""}/${utteranceId}`;
    last = file;
  }
}
