import type { Dirent, Stats } from "node:fs";
import { readdir, realpath, stat } from "node:fs/promises";
import { basename, extname, join, resolve } from "node:path";
import { audioExtensions } from "../audio/formats.js";
import { invalid, missing, reasonOf, throwIfAborted } from "../errors.js";
import type { Failure, LongTask, Progress, Utterance } from "../types.js";
import { compare } from "../util/compare.js";
import { evenly } from "../util/evenly.js";
import { refuseUnfinished } from "../util/write-together.js";
import type { Corpus } from "./corpus.js";
import { type LaidOut, parseLayout } from "./layout-pattern.js";
import { nameUtterances, type OnCollision } from "./name-utterances.js";
import { looksLike, looksTooHigh, looksTooLow } from "./propose-layout.js";
import { showCorpus } from "./show-corpus.js";
import { spellingWarnings } from "./spelling-warnings.js";

export interface ScanOptions extends LongTask<Extract<Progress, { stage: "scan" }>> {
  /** What to do when two files would share a key: an error that names both, or `~2`, `~3`, ... behind the later. */
  onCollision?: OnCollision;
  /**
   * Where data set, speaker, session and utterance stand in the paths: a pattern such as
   * `{dataset}/{speaker}/{session}/{utterance}` (the default has no session, and folders below a speaker belong to the
   * utterance), a regular expression with groups of these names, or `librispeech`, `voxceleb`, `vctk`, `aishell`, `flat`.
   */
  layout?: string;
  /** The data set of files where the layout has none; by default the name of the folder. */
  dataset?: string;
  /** Endings of the files to list, in lower case, with their dot. */
  extensions?: ReadonlySet<string>;
}

/** Folders below a speaker belong to the utterance's name. */
const defaultLayout = "{dataset}/{speaker}/{utterance}";

/**
 * Lists the audio files of a corpus laid out as root/dataset/speaker/utterance, or as `layout` says.
 *
 * Where the folders look like another layout, `warnings` or the error propose it. Dot files are left out, links are followed, loops of links
 * are not. Throws `missing` when there is no such folder or no audio where it should be (and says on which level there
 * is some), `conflict` when two files would share a key.
 *
 * @example
 * const corpus = await scan("data/speech")
 * const studio = await scan("data/speech/studio", { layout: "{speaker}/{session}-{_}-{utterance}" })
 */
export async function scan(root: string, options: ScanOptions = {}): Promise<Corpus> {
  const { onCollision = "error", extensions = audioExtensions, onProgress, abortSignal } = options;
  const { layout = defaultLayout, dataset = basename(resolve(root)) } = options;
  const { read } = parseLayout(layout);
  const laidOut = (parts: readonly string[]) => read(withoutExtension(parts.join("/")));
  const found: FoundFile[] = [];
  const misplaced: string[] = [];
  const failures: Failure[] = [];
  if (!(await stat(root).catch(() => undefined))?.isDirectory())
    throw missing(
      `The corpus ${root} is not a folder. Give a folder laid out as dataset/speaker/utterance.wav.`,
      { path: root },
    );
  refuseUnfinished(root);

  // The folders on the way down, by their real path: one that comes again below itself is a loop.
  async function walk(parts: readonly string[], above: ReadonlySet<string>): Promise<void> {
    throwIfAborted("Scanning", abortSignal);
    const folder = join(root, ...parts);
    let entries: Dirent<Buffer>[];
    try {
      const here = await realpath(folder);
      if (above.has(here)) return;
      above = new Set(above).add(here);
      entries = await readdir(folder, { withFileTypes: true, encoding: "buffer" });
    } catch (error) {
      if (parts.length === 0)
        throw invalid(`The corpus ${root} cannot be read (${reasonOf(error)}).`, {
          path: root,
          cause: error,
        });
      failures.push(failure(parts, folder, `unreadable folder: ${reasonOf(error)}`));
      return;
    }
    // The sounds of a page that an audit has written are copies, of a corpus that it may lie in.
    if (["desk.js", "desk.css"].every((name) => entries.some((entry) => utf8(entry.name) === name))) return;
    const folders: string[] = [];
    const files: string[] = [];
    const links: string[] = [];
    for (const entry of entries) {
      const name = utf8(entry.name);
      if (name === undefined) {
        const spelled = escapeBytes(entry.name);
        if (entry.isDirectory() || isAudio(spelled))
          failures.push(failure([...parts, spelled], join(folder, spelled), "name is not UTF-8: rename it"));
      } else if (name.startsWith(".")) continue;
      else if (entry.isDirectory()) folders.push(name);
      else if (entry.isFile()) files.push(name);
      else if (entry.isSymbolicLink()) links.push(name);
    }
    for (const name of links) {
      const target = await stat(join(folder, name)).catch(() => undefined);
      if (target?.isDirectory()) folders.push(name);
      else if (target?.isFile()) files.push(name);
      else if (target === undefined && isAudio(name))
        failures.push(failure([...parts, name], join(folder, name), "broken link"));
    }
    const audio = files.filter(isAudio);
    const fitting = audio.filter((name) => laidOut([...parts, name]) !== undefined);
    if (fitting.length < audio.length)
      for (const name of audio) if (!fitting.includes(name)) misplaced.push([...parts, name].join("/"));
    await look(parts, folder, fitting);
    for (const name of folders.sort(compare)) await walk([...parts, name], above);
  }

  async function look(parts: readonly string[], folder: string, names: readonly string[]): Promise<void> {
    // Many at a time: on a network file system each answer takes its time.
    for (let start = 0; start < names.length; start += 64) {
      throwIfAborted("Scanning", abortSignal);
      const stats = await Promise.all(
        names
          .slice(start, start + 64)
          .map((name) => stat(join(folder, name)).catch((error: unknown) => error)),
      );
      stats.forEach((result, index) => {
        const name = names[start + index]!;
        const path = join(folder, name);
        if (result instanceof Error) failures.push(failure([...parts, name], path, reasonOf(result)));
        else found.push({ parts: [...parts, name], path, stats: result as Stats });
      });
    }
    if (names.length > 0) onProgress?.({ stage: "scan", files: found.length });
  }

  function failure(parts: readonly string[], path: string, reason: string): Failure {
    const names: LaidOut = laidOut(parts) ?? laidOutSoFar(parts);
    return {
      path,
      dataset: names.dataset ?? dataset,
      speakerId: names.speakerId,
      utteranceId: names.utteranceId,
      stage: "read",
      reason,
    };
  }

  const isAudio = (name: string) => extensions.has(extname(name).toLowerCase());

  await walk([], new Set());
  if (found.length === 0 && failures.length === 0) throw nothingFound(root, layout, misplaced, extensions);
  const utterances = nameUtterances(
    found.map(({ parts, path, stats: { size, mtimeMs } }) => {
      const names = laidOut(parts)!;
      return { ...names, dataset: names.dataset ?? dataset, file: parts.join("/"), path, size, mtimeMs };
    }),
    onCollision,
  );
  failures.sort((a, b) => compare(a.path, b.path));
  const warnings = [
    ...misplacedWarning(layout, misplaced),
    ...(options.layout === undefined ? layoutWarnings(root, utterances) : []),
    ...spellingWarnings(utterances),
  ];
  return showCorpus({ root, utterances, failures, warnings });
}

/** What an unreadable folder is called, by the levels that are usual. */
function laidOutSoFar([dataset = "", speakerId = "", ...inner]: readonly string[]): LaidOut {
  return { dataset, speakerId, utteranceId: withoutExtension(inner.join("/")) };
}

interface FoundFile {
  parts: string[];
  path: string;
  stats: Stats;
}

const withoutExtension = (path: string): string => path.slice(0, path.length - extname(path).length);

function nothingFound(
  root: string,
  layout: string,
  misplaced: readonly string[],
  extensions: ReadonlySet<string>,
): Error {
  return missing(
    `The corpus ${root} has no audio laid out as ${layoutInWords(layout)}. ${hintOf(layout, misplaced, extensions)}.`,
    { path: root },
  );
}

/** So many files are looked at to tell what corpus they are. */
const mostLookedAt = 1000;

/** What to do about files that do not fit. */
function hintOf(layout: string, misplaced: readonly string[], extensions: ReadonlySet<string>): string {
  const [first] = misplaced;
  if (first === undefined) return `Files with these endings count: ${[...extensions].join(" ")}`;
  const known = looksLike(evenly(misplaced.map(withoutExtension), mostLookedAt));
  if (known !== undefined)
    return `Audio lies at ${first}, as in ${known.corpus}: give --layout ${known.layout}`;
  const depths = new Set(misplaced.map((file) => file.split("/").length));
  if (depths.has(2))
    return `Audio lies at ${first}, so this looks like one data set: give the folder above it, or --layout "{speaker}/{utterance}"`;
  if (depths.has(1))
    return (
      `Audio lies directly in it (${first}), so this looks like one speaker: give the folder two levels up; or, if the names say who ` +
      'speaks, a layout such as --layout "{speaker}-{utterance}"; or --layout flat, and the speakers are unknown'
    );
  // Three levels and more are what is read without a layout.
  return `Audio lies at ${first}${layout === defaultLayout ? "" : ": leave --layout out for dataset/speaker/utterance, or give a pattern that fits"}`;
}

const layoutInWords = (layout: string) =>
  layout === defaultLayout ? "dataset/speaker/utterance.wav" : layout;

function misplacedWarning(layout: string, misplaced: readonly string[]): string[] {
  if (misplaced.length === 0) return [];
  const where = layout === defaultLayout ? "do not lie below a speaker's folder" : "do not fit the layout";
  return [
    `${misplaced.length} audio files ${where} and are left out, such as ${misplaced[0]}; ` +
      `expected ${layout === defaultLayout ? "dataset/speaker/utterance" : layout}`,
  ];
}

/** What looks as if another folder or layout was meant. */
function layoutWarnings(root: string, utterances: readonly Utterance[]): string[] {
  const [first] = utterances;
  if (first === undefined) return [];
  const speakers = new Map(utterances.map(({ file, speakerId }) => [withoutExtension(file), speakerId]));
  const sample = evenly([...speakers.keys()], mostLookedAt);
  const known = looksLike(sample);
  if (known !== undefined) {
    const differing = sample.find((path) => {
      const names = known.read(path);
      return names !== undefined && names.speakerId !== speakers.get(path);
    });
    if (differing === undefined) return [];
    const [right, taken] = [known.read(differing)?.speakerId, speakers.get(differing)];
    return [
      `this looks like ${known.corpus}, where the speaker of ${differing} is "${right}", and not "${taken}": give --layout ${known.layout}`,
    ];
  }
  const counts = new Map<string, Set<string | null>>();
  for (const { dataset, speakerId } of utterances)
    counts.set(dataset, (counts.get(dataset) ?? new Set()).add(speakerId));
  const { dataset, speakerId, utteranceId } = first;
  if (looksTooLow(Array.from(counts.values(), ({ size }) => size)))
    return [
      `most of the ${counts.size} data sets hold only a few speakers, such as data set "${dataset}" with speaker "${speakerId}"; ` +
        `if the data sets are the speakers, give --layout "{speaker}/{session}/{utterance}", or the folder above ${root}`,
    ];
  if (looksTooHigh(utterances))
    return [
      `every file lies in a folder below its speaker, such as data set "${dataset}", speaker "${speakerId}", ` +
        `utterance "${utteranceId}"; if that is one level too high, give ${join(root, dataset)} instead`,
    ];
  return [];
}

/** The name as text, or undefined when its bytes are not UTF-8. */
function utf8(name: Buffer): string | undefined {
  const text = name.toString("utf8");
  return text.includes("\ufffd") && !Buffer.from(text).equals(name) ? undefined : text;
}

function escapeBytes(name: Buffer): string {
  return Array.from(name.toString("latin1"), (char) =>
    char >= " " && char <= "~" && char !== "\\"
      ? char
      : `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`,
  ).join("");
}
