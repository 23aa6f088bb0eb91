import { basename } from "node:path";
import { jupyterDisplay } from "../charts/chart.js";
import { reasonOf } from "../errors.js";
import { escapeHtml } from "../shared/escape-html.js";
import { printable } from "../shared/printable.js";
import type { AudioSource } from "../types.js";
import { clipSound, type Sound } from "./clip-sound.js";

/** A recording to listen to. Rows of utterances, such as `variability(...).outliers`, are clips as they are. */
export interface Clip extends Partial<AudioSource> {
  path: string;
  /** Text above the player; default: data set and speaker, or the name of the file. */
  label?: string;
  /** Text below the player, before the path; default: none. */
  detail?: string;
  dataset?: string;
  /** Null where the speaker is unknown. */
  speakerId?: string | null;
}

export interface PlayerOptions {
  /** Players side by side, where the clips do not come in rows; default 2. */
  columns?: number;
  /** Seconds after which long recordings are cut; default 10. */
  maxSeconds?: number;
  /** Most bytes of sound in all, because the notebook stores them; further clips are listed without sound. Default 2.5 million. */
  maxBytes?: number;
}

/** Players that show themselves in a notebook. */
export interface Player {
  readonly rows: readonly (readonly Clip[])[];
  [jupyterDisplay](): Promise<PlayerBundle>;
}

export interface PlayerBundle {
  "text/html": string;
  "text/plain": string;
}

/** Files above this size are cut. */
const maxClipBytes = 400_000;

/**
 * Players for recordings in a notebook. The sound is embedded, so it also plays in a shared copy.
 *
 * A small file in a format that browsers play (FLAC, MP3, Ogg, M4A, WAV) is embedded as it is, otherwise its beginning as
 * 16-bit WAV. In place of a file that cannot be played stands the reason.
 *
 * @param clips paths, or rows with a `path`; the clips of a nested list stand side by side
 *
 * @example
 * player(variability(utterances).outliers.slice(0, 4))
 */
export function player(
  clips: string | Clip | readonly (string | Clip | readonly (string | Clip)[])[],
  { columns = 2, maxSeconds = 10, maxBytes = 2_500_000 }: PlayerOptions = {},
): Player {
  const rows = rowsOf(clips, columns);
  return {
    rows,
    async [jupyterDisplay]() {
      let left = maxBytes;
      const cells: Cell[][] = [];
      for (const row of rows) {
        const line: Cell[] = [];
        for (const clip of row) {
          const sound = await soundOf(clip, { maxSeconds, maxBytes: Math.min(maxClipBytes, left), left });
          if (typeof sound !== "string") left -= sound.bytes.length;
          line.push({ clip, sound });
        }
        cells.push(line);
      }
      return {
        "text/html": htmlOf(cells),
        "text/plain": cells.map((line) => line.map(textOf).join("\n")).join("\n\n"),
      };
    },
  };
}

interface Cell {
  clip: Clip;
  /** The sound, or why there is none. */
  sound: Sound | string;
}

function rowsOf(clips: Parameters<typeof player>[0], columns: number): Clip[][] {
  const clipOf = (clip: string | Clip): Clip => (typeof clip === "string" ? { path: clip } : clip);
  const list: readonly (string | Clip | readonly (string | Clip)[])[] = isList(clips) ? clips : [clips];
  if (list.length > 0 && list.every(isList)) return list.map((row) => row.map(clipOf));
  const flat = list.flatMap((item) => (isList(item) ? item.map(clipOf) : [clipOf(item)]));
  return Array.from({ length: Math.ceil(flat.length / columns) }, (_, r) =>
    flat.slice(r * columns, (r + 1) * columns),
  );
}

function isList<Item>(value: Item | readonly Item[]): value is readonly Item[] {
  return Array.isArray(value);
}

async function soundOf(
  clip: Clip,
  { left, ...limits }: { maxSeconds: number; maxBytes: number; left: number },
): Promise<Sound | string> {
  try {
    const sound = await clipSound(clip, limits);
    return sound.bytes.length <= left ? sound : "left out, to keep the notebook small";
  } catch (error) {
    return `cannot be played: ${reasonOf(error)}`;
  }
}

const labelOf = ({ label, dataset, speakerId, path }: Clip): string =>
  label ??
  (speakerId === undefined || speakerId === null
    ? basename(path)
    : [dataset, speakerId].filter(Boolean).join(" / "));

function factsOf({ clip, sound }: Cell): string[] {
  const facts = [clip.path];
  if (typeof sound === "string") facts.push(sound);
  else if (sound.playedSeconds < sound.seconds)
    facts.push(`the first ${sound.playedSeconds.toFixed(0)} s of ${sound.seconds.toFixed(1)} s`);
  else facts.push(`${sound.seconds.toFixed(1)} s`);
  return clip.detail === undefined ? facts : [clip.detail, ...facts];
}

const textOf = (cell: Cell): string => [labelOf(cell.clip), ...factsOf(cell)].map(printable).join("  ");

const safe = (text: string): string => escapeHtml(printable(text));

/** As a table, which keeps its shape where a viewer strips styles and players. */
function htmlOf(rows: readonly (readonly Cell[])[]): string {
  const body = rows.map((row) => `<tr>${row.map(cellHtml).join("")}</tr>`).join("\n");
  return `<table style="text-align:left"><tbody>\n${body}\n</tbody></table>`;
}

function cellHtml(cell: Cell): string {
  const { clip, sound } = cell;
  const audio =
    typeof sound === "string"
      ? ""
      : `<audio controls preload="metadata" title="${safe(labelOf(clip))}" src="data:${sound.type};base64,${Buffer.from(sound.bytes).toString("base64")}"></audio><br>`;
  const facts = factsOf(cell).map(safe).join("<br>");
  return (
    `<td style="text-align:left;vertical-align:top;padding:8px 20px 8px 8px"><strong>${safe(labelOf(clip))}</strong><br>` +
    `${audio}<small>${facts}</small></td>`
  );
}
