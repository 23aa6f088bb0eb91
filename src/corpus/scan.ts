import type { Dirent, Stats } from "node:fs";
import { readdir, realpath, stat } from "node:fs/promises";
import { extname, join } from "node:path";
import { audioExtensions } from "../audio/formats.js";
import { invalid, missing, reasonOf, throwIfAborted } from "../errors.js";
import type { Failure, LongTask, Progress, Utterance } from "../types.js";
import { compare } from "../util/compare.js";
import type { Corpus } from "./corpus.js";
import { nameUtterances, type OnCollision } from "./name-utterances.js";
import { spellingWarnings } from "./spelling-warnings.js";

export interface ScanOptions extends LongTask<Extract<Progress, { stage: "scan" }>> {
  /** What to do when two files would share a key: an error that names both, or `~2`, `~3`, ... behind the later. */
  onCollision?: OnCollision;
  /** Endings of the files to list, in lower case, with their dot. */
  extensions?: ReadonlySet<string>;
}

/**
 * Lists the audio files of a corpus laid out as root/dataset/speaker/utterance.
 *
 * Folders below a speaker belong to the utterance's name. Dot files are left out, links are followed, loops of links
 * are not. Throws `missing` when there is no such folder or no audio where it should be (and says on which level there
 * is some), `conflict` when two files would share a key.
 *
 * @example
 * const corpus = await scan("data/speech")
 */
export async function scan(root: string, options: ScanOptions = {}): Promise<Corpus> {
  const { onCollision = "error", extensions = audioExtensions, onProgress, abortSignal } = options;
  const found: FoundFile[] = [];
  const misplaced: string[] = [];
  const failures: Failure[] = [];
  if (!(await stat(root).catch(() => undefined))?.isDirectory())
    throw missing(
      `The corpus ${root} is not a folder. Give a folder laid out as dataset/speaker/utterance.wav.`,
      { path: root },
    );

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
    if (parts.length < 2) misplaced.push(...audio.map((name) => [...parts, name].join("/")));
    else await look(parts, folder, audio);
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

  const isAudio = (name: string) => extensions.has(extname(name).toLowerCase());

  await walk([], new Set());
  if (found.length === 0 && failures.length === 0) throw nothingFound(root, misplaced, extensions);
  const utterances = nameUtterances(
    found.map(({ parts, path, stats: { size, mtimeMs } }) => {
      const inner = parts.slice(2).join("/");
      return {
        dataset: parts[0]!,
        speakerId: parts[1]!,
        utteranceId: inner.slice(0, inner.length - extname(inner).length),
        file: parts.join("/"),
        path,
        size,
        mtimeMs,
      };
    }),
    onCollision,
  );
  failures.sort((a, b) => compare(a.path, b.path));
  const warnings = [...layoutWarnings(root, utterances, misplaced), ...spellingWarnings(utterances)];
  return { root, utterances, failures, warnings };
}

interface FoundFile {
  parts: string[];
  path: string;
  stats: Stats;
}

function failure(parts: readonly string[], path: string, reason: string): Failure {
  const [dataset = "", speakerId = "", ...inner] = parts;
  const name = inner.join("/");
  const utteranceId = name.slice(0, name.length - extname(name).length);
  return { path, dataset, speakerId, utteranceId, stage: "read", reason };
}

function nothingFound(root: string, misplaced: readonly string[], extensions: ReadonlySet<string>): Error {
  const depths = new Set(misplaced.map((file) => file.split("/").length));
  const hint = depths.has(2)
    ? `Audio lies at ${misplaced[0]}, so this looks like one data set: give the folder above it`
    : depths.has(1)
      ? `Audio lies directly in it (${misplaced[0]}), so this looks like one speaker: give the folder two levels up`
      : `Files with these endings count: ${[...extensions].join(" ")}`;
  return missing(`The corpus ${root} has no audio laid out as dataset/speaker/utterance.wav. ${hint}.`, {
    path: root,
  });
}

function layoutWarnings(
  root: string,
  utterances: readonly Utterance[],
  misplaced: readonly string[],
): string[] {
  const warnings: string[] = [];
  if (misplaced.length > 0)
    warnings.push(
      `${misplaced.length} audio files do not lie below a speaker's folder and are left out, such as ${misplaced[0]}; ` +
        "expected dataset/speaker/utterance",
    );
  if (utterances.length > 0 && utterances.every(({ utteranceId }) => utteranceId.includes("/"))) {
    const { dataset, speakerId, utteranceId } = utterances[0]!;
    warnings.push(
      `every file lies in a folder below its speaker, such as data set "${dataset}", speaker "${speakerId}", ` +
        `utterance "${utteranceId}"; if that is one level too high, give ${join(root, dataset)} instead`,
    );
  }
  return warnings;
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
