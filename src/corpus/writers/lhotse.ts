import { basename, dirname, isAbsolute, join, resolve } from "node:path";
import { invalid } from "../../errors.js";
import { type Edit, edited, fieldsIn, itemsIn, type Place, setField, whole } from "../../format/json-text.js";
import type { Utterance } from "../../types.js";
import { firstRow, type RowAsIs, rowsAsIs } from "../sources/json-rows.js";
import { fileIn, kindOf, partner } from "../sources/lhotse.js";
import { byLine, isSame, placed, refuseSame, writeText } from "./rewrite.js";

type Json = Record<string, unknown>;

/**
 * Writes Lhotse's manifests with the supervisions that the corpus still has, and the recordings or cuts that these need.
 *
 * @param to a file for cuts; for recordings and supervisions one of the two, or a folder for both
 */
export async function rewriteLhotse(
  path: string,
  utterances: readonly Utterance[],
  to: string,
  at: (path: string) => string,
): Promise<string[]> {
  const file = fileIn(path);
  const kind = kindOf(await firstRow(file))!;
  if (kind === "cuts") {
    const target = isFile(to) ? to : join(to, basename(file));
    refuseSame(target, [file]);
    await writeText(at(target), cutsText(file, utterances, target));
    return [target];
  }
  const other = partner(file, kind, kind === "recordings" ? "supervisions" : "recordings");
  const [recordings, supervisions] = kind === "recordings" ? [file, other] : [other!, file];
  const targets = targetsOf(recordings, supervisions, to);
  refuseSame(targets.recordings, [recordings]);
  if (supervisions !== undefined && targets.supervisions !== undefined) {
    refuseSame(targets.supervisions, [supervisions]);
    await writeText(at(targets.supervisions), supervisionsText(supervisions, utterances));
  }
  await writeText(
    at(targets.recordings),
    recordingsText(recordings, utterances, targets.recordings, supervisions === undefined),
  );
  return [targets.recordings, ...(targets.supervisions === undefined ? [] : [targets.supervisions])];
}

const isFile = (path: string) => /\.jsonl(\.gz)?$/.test(path);

function targetsOf(
  recordings: string,
  supervisions: string | undefined,
  to: string,
): { recordings: string; supervisions?: string } {
  if (!isFile(to))
    return {
      recordings: join(to, basename(recordings)),
      ...(supervisions === undefined ? {} : { supervisions: join(to, basename(supervisions)) }),
    };
  if (supervisions === undefined) return { recordings: to };
  const name = basename(to);
  const kind = (["recordings", "supervisions"] as const).find((kind) => name.includes(kind));
  if (kind === undefined)
    throw invalid(
      `${to} is one file, and the corpus is one of recordings and one of supervisions. Give a folder, or a name with "supervisions" in it; the recordings go beside it.`,
      { path: to },
    );
  const named = (other: string) => join(dirname(to), name.replace(new RegExp(`${kind}(?!.*${kind})`), other));
  return { recordings: named("recordings"), supervisions: named("supervisions") };
}

async function* linesOf(file: string): AsyncGenerator<RowAsIs> {
  for await (const rows of rowsAsIs(file)) yield* rows;
}

async function* supervisionsText(file: string, utterances: readonly Utterance[]): AsyncGenerator<string> {
  const lines = byLine(utterances);
  for await (const { line, text, row } of linesOf(file)) {
    const [utterance] = lines.get(line) ?? [];
    if (utterance !== undefined) yield edited(text, speakerEdits(text, whole(text), row, utterance));
  }
}

const speakerEdits = (text: string, place: Place, row: Json, { speakerId }: Utterance): Edit[] =>
  isSame(row.speaker, speakerId) ? [] : [setField(text, place, "speaker", speakerId)];

async function* recordingsText(
  file: string,
  utterances: readonly Utterance[],
  to: string,
  areUtterances: boolean,
): AsyncGenerator<string> {
  const needed = new Map<string, Utterance>();
  for (const utterance of utterances)
    needed.set(
      (areUtterances ? utterance.utteranceId.replace(/~\d+$/, "") : utterance.session) ?? "",
      utterance,
    );
  const lines = areUtterances ? byLine(utterances) : undefined;
  for await (const { line, text, row } of linesOf(file)) {
    const utterance = lines === undefined ? needed.get(String(row.id)) : lines.get(line)?.[0];
    if (utterance !== undefined) yield edited(text, sourceEdits(text, whole(text), row, utterance, to));
  }
}

/** Relative paths that would not be found from the new place become absolute. */
function sourceEdits(text: string, place: Place, recording: Json, utterance: Utterance, to: string): Edit[] {
  const sources = recording.sources as Json[];
  const list = fieldsIn(text, place).get("sources");
  if (list === undefined || !Array.isArray(sources)) return [];
  return itemsIn(text, list).flatMap((item, i): Edit[] => {
    const { type, source } = sources[i]!;
    if (type !== "file" || typeof source !== "string") return [];
    const now = placed(source, { path: foundPath(source, sources, utterance) }, to);
    return now === source ? [] : [setField(text, item, "source", now)];
  });
}

/** Where a file of a recording is: its other channels lie in the folder that the one of the utterance was found from. */
function foundPath(written: string, sources: readonly Json[], { path }: Utterance): string {
  const own = sources
    .map(({ source }) => String(source))
    .find((source) => resolve(path).endsWith(`/${source}`));
  if (isAbsolute(written) || own === undefined) return own === undefined ? path : written;
  return join(resolve(path).slice(0, -own.length), written);
}

async function* cutsText(file: string, utterances: readonly Utterance[], to: string): AsyncGenerator<string> {
  const lines = byLine(utterances);
  for await (const { line, text, row } of linesOf(file)) {
    const left = lines.get(line);
    if (left === undefined) continue;
    const fields = fieldsIn(text, whole(text));
    const edits: Edit[] = [];
    const recording = fields.get("recording");
    if (recording !== undefined)
      edits.push(...sourceEdits(text, recording, row.recording as Json, left[0]!, to));
    const list = fields.get("supervisions");
    const supervisions = (row.supervisions ?? []) as Json[];
    if (list !== undefined && supervisions.length > 0) {
      const kept = itemsIn(text, list).flatMap((place, i) => {
        const supervision = supervisions[i]!;
        const utterance = left.find(({ utteranceId }) => isNamed(utteranceId, row, supervision));
        if (utterance === undefined) return [];
        const own = text.slice(place.start, place.end);
        return [edited(own, speakerEdits(own, whole(own), supervision, utterance))];
      });
      if (kept.length === 0) continue;
      const now = `[${kept.join(", ")}]`;
      // As it stands where nothing changes.
      const isChanged = kept.length < supervisions.length || !kept.every((own) => text.includes(own));
      if (isChanged) edits.push({ ...list, text: now });
    } else if (left[0]!.speakerId !== null && list !== undefined) {
      // Nobody was said to speak; now somebody does.
      edits.push({ ...list, text: `[${JSON.stringify(supervisionOf(row, left[0]!))}]` });
    }
    yield edited(text, edits);
  }
}

/** Utterances are called after supervisions, or after these and the cut where the cut has only a part of them. */
function isNamed(utteranceId: string, cut: Json, { id }: Json): boolean {
  const name = utteranceId.replace(/~\d+$/, "");
  return [utteranceId, name].some((one) => one === String(id) || one === `${cut.id}-${id}`);
}

const supervisionOf = (cut: Json, { speakerId }: Utterance): Json => ({
  id: cut.id,
  recording_id: (cut.recording as Json).id,
  start: 0,
  duration: cut.duration,
  channel: cut.channel ?? 0,
  speaker: speakerId,
});
