import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Decision } from "../decisions/decision.js";
import { throwIfAborted } from "../errors.js";
import { escapeHtml } from "../shared/escape-html.js";
import { printable } from "../shared/printable.js";
import { writeFile } from "../util/write-file.js";
import { writeTogether } from "../util/write-together.js";
import { reviewClip } from "./clip.js";
import type { ReviewItem } from "./item.js";
import { deskScript, pageStyle } from "./page-code.js";
import type { Recordings } from "./recordings.js";
import { speakersMap } from "./speakers-map.js";

export interface PageOptions {
  title: string;
  /** What was decided before. */
  decisions?: readonly Decision[];
  /** Who decides; asked for in the page where it is left out. */
  by?: string;
  /** Most recordings that come with the page, those of the first items first; default 1,000, of about 100 kB each. */
  maxClips?: number;
  /** Told of every recording that comes with the page. */
  onProgress?: (progress: { done: number; total: number }) => void;
  /** Told once where this process waits to see whether another host that holds the folder is alive. */
  onWait?: (line: string) => void;
  abortSignal?: AbortSignal;
}

export interface WrittenPage {
  /** index.html */
  path: string;
  /** Recordings that can be heard, of those that the items speak of. */
  clips: number;
  wanted: number;
  bytes: number;
}

/** Nothing but the folder itself is ever loaded: the names in it are somebody's, and so is the speech. */
const policy = [
  "default-src 'none'",
  "script-src 'self' file:",
  "style-src 'self' file:",
  "img-src 'self' file: blob:",
  "media-src 'self' file: blob:",
  "connect-src 'none'",
  "form-action 'none'",
  "base-uri 'none'",
].join("; ");

const endings: Record<string, string> = {
  "audio/flac": "flac",
  "audio/mpeg": "mp3",
  "audio/ogg": "ogg",
  "audio/mp4": "m4a",
  "audio/wav": "wav",
};

/**
 * Writes the desk as a folder that opens from the disk: index.html, desk.js, desk.css, data.js, and sounds and spectrograms in
 * audio/, which are loaded when they are shown and played. It replaces an earlier one once it is complete.
 *
 * @throws `conflict` when another process writes into the folder
 */
export function writePage(
  folder: string,
  items: readonly ReviewItem[],
  recordings: Recordings,
  options: PageOptions,
): Promise<WrittenPage> {
  const { onWait, abortSignal } = options;
  return writeTogether(folder, { purpose: "writing the page", onWait, abortSignal }, async (files) => {
    const at = (name: string) => files.at(join(folder, name));
    const written = await pageInto(at, items, recordings, options);
    files.commit(pageFiles(folder));
    return { path: join(folder, "index.html"), ...written };
  });
}

/**
 * The files of a page. Without the first one there is no page: it would play new sounds under old names. By the last ones, a scan
 * of the corpus knows the folder for none of its own.
 */
export function pageFiles(folder: string): string[] {
  if (!existsSync(join(folder, "desk.js"))) return [];
  const audio = join(folder, "audio");
  const sounds = (existsSync(audio) ? readdirSync(audio) : []).filter((name) => /^\d{6}\.\w+$/.test(name));
  const names = [
    "index.html",
    ...sounds.map((name) => join("audio", name)),
    "data.js",
    "desk.js",
    "desk.css",
  ];
  return names.map((name) => join(folder, name));
}

async function pageInto(
  at: (name: string) => string,
  items: readonly ReviewItem[],
  recordings: Recordings,
  { title, decisions = [], by, maxClips = 1000, onProgress, abortSignal }: PageOptions,
): Promise<Omit<WrittenPage, "path">> {
  await writeFile(at("desk.js"), deskScript());
  await writeFile(at("desk.css"), pageStyle());
  const keys = [...new Set(items.flatMap(({ voices }) => voices.map(({ key }) => key)))];
  const voices: [string, object][] = [];
  let [clips, bytes] = [0, 0];
  for (const key of keys) {
    onProgress?.({ done: clips, total: Math.min(keys.length, maxClips) });
    throwIfAborted("Writing the page", abortSignal);
    if (clips >= maxClips) break;
    const clip = await reviewClip(recordings.get(key));
    if ("problem" in clip) {
      voices.push([key, clip]);
      continue;
    }
    const number = String(++clips).padStart(6, "0");
    const { sound, picture, type, seconds, played } = clip;
    const name = `audio/${number}.${endings[type]}`;
    await writeFile(at(name), sound, { durable: false });
    if (picture !== undefined) await writeFile(at(`audio/${number}.png`), picture, { durable: false });
    bytes += sound.length + (picture?.length ?? 0);
    const drawn = picture === undefined ? {} : { picture: `audio/${number}.png` };
    voices.push([key, { sound: name, ...drawn, seconds, played }]);
  }
  const heard = new Map(voices);
  const isHeard = ({ voices }: ReviewItem) => voices.some(({ key }) => "sound" in (heard.get(key) ?? {}));
  const maps = items.map((item) => (isHeard(item) ? speakersMap(item, recordings) : undefined));
  const desk = {
    title,
    by,
    decisions,
    speakers: recordings.names(),
    items: items.map((item, i) => shownItem(item, maps[i] !== undefined)),
  };
  await writeFile(at("data.js"), dataScript({ desk, voices, maps }));
  await writeFile(at("index.html"), html(title));
  return { clips, wanted: keys.length, bytes };
}

/** As the page has it. */
export const shownItem = ({ map: _, ...item }: ReviewItem, hasMap: boolean): object => ({ ...item, hasMap });

/** A call with JSON in it, as text: nothing in it can end the script, whatever names there are. */
function dataScript({
  voices,
  ...data
}: {
  desk: object;
  voices: [string, object][];
  maps: unknown[];
}): string {
  // A name such as __proto__ is a key like any other where the object is parsed.
  const entries = voices.map(([key, voice]) => `${JSON.stringify(key)}:${JSON.stringify(voice)}`);
  const json = `${JSON.stringify(data).slice(0, -1)},"voices":{${entries.join(",")}}}`;
  return `speakerscopeDesk(JSON.parse(${JSON.stringify(json).replace(/[<\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`)}));\n`;
}

const html = (title: string) => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width">
<meta name="referrer" content="no-referrer">
<title>${escapeHtml(printable(title))}</title>
<link rel="stylesheet" href="desk.css">
</head>
<body>
<script src="desk.js"></script>
<script src="data.js"></script>
</body>
</html>
`;
