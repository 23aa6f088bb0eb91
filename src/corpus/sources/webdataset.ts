import { basename, extname } from "node:path";
import { audioExtensions } from "../../audio/formats.js";
import { type Columns, chooseColumns, describeColumns, entryOf } from "../columns.js";
import { type BadEntry, type Entry, type Listing, listingOf } from "../listing.js";
import { parsedRow } from "./json-rows.js";
import { datasetOf } from "./stem-of.js";
import { type TarMember, tarMembers } from "./tar.js";

/**
 * Shards of WebDataset: tar files whose members `key.wav`, `key.json`, `key.txt` make one sample. The audio is not read
 * here. What the JSON says is read as the row of a table is; without a speaker in it, `key.spk` or `key.cls` may tell.
 */
export function webdataset(paths: readonly string[], told: Columns): Listing {
  const about = { file: paths[0]!, folders: ["."], dataset: datasetOf(paths) };
  return listingOf(about, (notes) => entries(paths, told, notes));
}

/** Which fields hold what: worked out anew only where a sample has other fields than the one before. */
function fieldChooser(told: Columns): (row: Sample["row"], path: string) => Columns {
  let names = "";
  let columns: Columns = {};
  return (row, path) => {
    const own = Object.keys(row);
    if (own.join("\0") !== names || names === "")
      columns = { ...chooseColumns(own, { ...known(told, row), path: "" }, path), path: "" };
    names = own.join("\0");
    return columns;
  };
}

async function* entries(
  paths: readonly string[],
  told: Columns,
  notes: string[],
): AsyncGenerator<Entry | BadEntry> {
  const columnsOf = fieldChooser(told);
  for (const path of paths)
    for (const sample of samples(path))
      yield "reason" in sample ? sample : entryOfSample(sample, path, columnsOf, notes);
}

export interface Sample {
  key: string;
  members: TarMember[];
  audio: TarMember | undefined;
  /** What its members say of it. */
  row: Record<string, unknown>;
  problem?: string;
}

/** The name of a member up to the first dot, by which it belongs to a sample, and its ending. */
export function nameInShard(member: string): { key: string; ending: string; isHidden: boolean } {
  const name = member.replace(/^\.\//, "");
  const dot = name.indexOf(".", name.lastIndexOf("/") + 1);
  return {
    key: dot < 0 ? name : name.slice(0, dot),
    ending: dot < 0 ? "" : name.slice(dot).toLowerCase(),
    isHidden: basename(name).startsWith("."),
  };
}

/** Members that follow each other and have one name up to the first dot. */
export function* samples(path: string): Generator<Sample | BadEntry> {
  let sample: Sample | undefined;
  for (const member of tarMembers(path)) {
    if ("damage" in member) {
      // The sample at hand may have lost its audio; then the damage is what there is to say.
      if (sample?.audio !== undefined) yield sample;
      return yield { path, reason: `The archive ${path} is damaged: ${member.damage}.` };
    }
    const { key, ending, isHidden } = nameInShard(member.name);
    if (isHidden) continue;
    if (sample !== undefined && sample.key !== key) {
      yield sample;
      sample = undefined;
    }
    sample ??= { key, members: [], audio: undefined, row: {} };
    sample.members.push(member);
    if (audioExtensions.has(extname(ending) || ending)) sample.audio ??= member;
    else addFacts(sample, ending, member);
  }
  if (sample !== undefined) yield sample;
}

function addFacts(sample: Sample, ending: string, member: TarMember): void {
  if (ending === ".json") {
    const facts = parsedRow(member.read().toString("utf8"));
    if (facts === undefined) sample.problem = `${member.name} is not JSON`;
    else if (typeof facts === "object" && facts !== null) Object.assign(sample.row, facts);
  } else if (ending === ".txt") sample.row.text ??= member.read().toString("utf8").trim();
  else if (ending === ".spk" || ending === ".cls")
    sample.row.speaker ??= member.read().toString("utf8").trim();
}

function entryOfSample(
  { key, audio, row, problem }: Sample,
  path: string,
  columnsOf: ReturnType<typeof fieldChooser>,
  notes: string[],
): Entry | BadEntry {
  const where = `The sample ${key} of ${path}`;
  if (audio === undefined) return { path, utteranceId: key, reason: `${where} has no audio.` };
  if (problem !== undefined)
    return { path, utteranceId: key, reason: `${where} cannot be understood: ${problem}.` };
  const columns = columnsOf(row, path);
  if (notes.length === 0)
    notes.push(`Fields of the samples: ${describeColumns(columns) || "none that are known"}`);
  const entry = entryOf({ ...row, "": path }, columns, undefined, where);
  if ("reason" in entry) return entry;
  const inside = { name: audio.name, offset: audio.offset, size: audio.size };
  // As in folders, what lies below a speaker is named without it.
  const name = key.startsWith(`${entry.speakerId}/`) ? key.slice(entry.speakerId!.length + 1) : key;
  return { ...entry, utteranceId: entry.utteranceId ?? name, inside };
}

/** Of the fields that were told, those that a sample has: another may have them. */
export const known = (told: Columns, row: Record<string, unknown>): Columns =>
  Object.fromEntries(Object.entries(told).filter(([, name]) => name === "" || name in row));
