import { closeSync, openSync } from "node:fs";
import { unsupported } from "../../errors.js";
import { edited, setField, whole } from "../../format/json-text.js";
import type { Utterance } from "../../types.js";
import { readAt } from "../../util/read-at.js";
import { writeFile } from "../../util/write-file.js";
import { type Columns, chooseColumns } from "../columns.js";
import { parsedRow } from "../sources/json-rows.js";
import type { TarMember } from "../sources/tar.js";
import { known, nameInShard, type Sample, samples } from "../sources/webdataset.js";
import { isSame } from "./rewrite.js";

const block = 512;

/**
 * Writes a shard with the samples that the corpus still has. Their members are copied byte for byte, but for the JSON or the
 * text that names a speaker who is called otherwise now.
 *
 * @param utterances those whose audio is in this shard
 */
export async function rewriteShard(
  path: string,
  utterances: readonly Utterance[],
  told: Columns,
  to: string,
): Promise<void> {
  const byOffset = new Map(utterances.map((utterance) => [utterance.offset, utterance]));
  const file = openSync(path, "r");
  try {
    await writeFile(to, shardBytes(file, path, byOffset, told));
  } finally {
    closeSync(file);
  }
}

async function* shardBytes(
  file: number,
  path: string,
  byOffset: ReadonlyMap<number | undefined, Utterance>,
  told: Columns,
): AsyncGenerator<Uint8Array> {
  const bytes = (from: number, to: number) => readAt(file, from, to - from);
  for (const sample of samples(path)) {
    if ("reason" in sample) break;
    const { members, audio } = sample;
    const utterance = members.map(({ offset }) => byOffset.get(offset)).find((one) => one !== undefined);
    if (utterance === undefined) continue;
    // By the time that the last sample is known, the reader of members has closed the file.
    const textOf = ({ offset, size }: TarMember) => bytes(offset, offset + size).toString("utf8");
    const { renamed, text } = renamedMember(sample, utterance, told, path, textOf);
    for (const member of members) {
      const { begin, offset, size } = member;
      const header = bytes(begin, offset);
      if (member !== renamed) {
        yield header;
        yield padded(bytes(offset, offset + Math.ceil(size / block) * block));
      } else {
        const content = Buffer.from(text);
        yield withSize(header, content.length);
        yield padded(content);
      }
    }
    if (renamed === undefined && text !== "") {
      // Nothing in the sample named a speaker: a member of its own does now.
      const content = Buffer.from(text);
      yield headerLike(bytes(audio!.offset - block, audio!.offset), audio!.name, content.length, path);
      yield padded(content);
    }
  }
  // An archive ends with two empty blocks.
  yield new Uint8Array(2 * block);
}

/** The member that names the speaker, with what it holds now; without a member, the text of a new one; "" for no change. */
function renamedMember(
  { members, row }: Sample,
  { speakerId }: Utterance,
  told: Columns,
  path: string,
  textOf: (member: TarMember) => string,
): { renamed?: TarMember; text: string } {
  const ending = (...endings: string[]) =>
    members.find(({ name }) => endings.includes(nameInShard(name).ending));
  const [json, plain] = [ending(".json"), ending(".spk", ".cls")];
  const { speaker } = chooseColumns(Object.keys(row), known(told, row), path);
  if (isSame(speaker === undefined ? undefined : row[speaker], speakerId)) return { text: "" };
  const text = json === undefined ? "" : textOf(json);
  const isInJson =
    json !== undefined && speaker !== undefined && Object.hasOwn(parsedRow(text) as object, speaker);
  if (isInJson || (json !== undefined && plain === undefined))
    return {
      renamed: json,
      text: edited(text, [setField(text, whole(text), speaker ?? "speaker", speakerId)]),
    };
  return { renamed: plain, text: speakerId ?? "" };
}

function padded(content: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(content.length / block) * block);
  bytes.set(content);
  return bytes;
}

/** A header, perhaps with those of a long name before it, that tells another size. */
function withSize(headers: Buffer, size: number): Buffer {
  const result = Buffer.from(headers);
  const last = result.subarray(result.length - block);
  last.write(`${size.toString(8).padStart(11, "0")}\0`, 124, "latin1");
  return sign(result, last);
}

/** The header of a member beside another: KEY.spk beside KEY.wav. */
function headerLike(header: Buffer, name: string, size: number, path: string): Buffer {
  const { key, ending } = nameInShard(name);
  const own = Buffer.from(`${name.slice(0, name.length - ending.length)}.spk`);
  if (own.length > 100)
    throw unsupported(
      `The sample ${key} of ${path} has a name that is too long to give it a speaker. Give it one in its JSON.`,
      { path },
    );
  const result = withSize(header, size);
  result.fill(0, 0, 100);
  result.fill(0, 345, 500);
  own.copy(result);
  return sign(result, result);
}

/** The sum of a header's bytes, its own field counted as blanks, stands in it. */
function sign(whole: Buffer, header: Buffer): Buffer {
  header.fill(" ", 148, 156);
  const sum = header.reduce((sum, byte) => sum + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return whole;
}
