import { closeSync, fstatSync, openSync } from "node:fs";
import { missing, reasonOf } from "../../errors.js";
import { FileBytes } from "../../util/file-bytes.js";

/** A member of an archive. */
export interface TarMember {
  name: string;
  /** Where its header begins, with what stands before it of a long name. */
  begin: number;
  /** Where its bytes begin. */
  offset: number;
  size: number;
  read(): Buffer;
}

const block = 512;

/** Read at a time: what a disk reads anyway, and with a little luck the header of the next member too. */
const windowBytes = 4096;

/**
 * The files in a tar (ustar, pax or GNU), in their order; what they hold is only read where it is asked for.
 *
 * Sources: POSIX.1-2001 pax, GNU tar's manual, "Basic Tar Format".
 *
 * @throws `missing` when it cannot be opened
 */
export function* tarMembers(path: string): Generator<TarMember | { damage: string }> {
  let file: number;
  try {
    file = openSync(path, "r");
  } catch (cause) {
    throw missing(`The archive ${path} cannot be opened (${reasonOf(cause)}).`, { path, cause });
  }
  try {
    yield* members(new FileBytes(file, fstatSync(file).size, windowBytes));
  } finally {
    closeSync(file);
  }
}

function* members(archive: FileBytes): Generator<TarMember | { damage: string }> {
  const end = archive.length;
  const bytes = (offset: number, length: number) => {
    const { buffer, byteOffset, byteLength } = archive.subarray(offset, offset + length);
    return Buffer.from(buffer, byteOffset, byteLength);
  };
  let longName: string | undefined;
  let longSize: number | undefined;
  let begin: number | undefined;
  for (let at = 0; at < end; ) {
    const header = bytes(at, block);
    if (header.length < block) return yield { damage: `it is cut off in the header at byte ${at}` };
    if (header.every((byte) => byte === 0)) return;
    if (!isHeader(header)) return yield { damage: `there is no header of a file at byte ${at}` };
    const type = String.fromCharCode(header[156]!);
    const size =
      type === "x" || type === "L" || type === "g"
        ? numberIn(header, 124, 12)
        : (longSize ?? numberIn(header, 124, 12));
    begin ??= at;
    const offset = at + block;
    at = offset + Math.ceil(size / block) * block;
    if (type === "x") {
      const records = pax(bytes(offset, size));
      longName = records.get("path") ?? longName;
      longSize = records.has("size") ? Number(records.get("size")) : longSize;
      continue;
    }
    if (type === "L") {
      longName = textIn(bytes(offset, size), 0, size);
      continue;
    }
    const prefix = textIn(header, 257, 6) === "ustar" && header[263] !== 0x20 ? textIn(header, 345, 155) : "";
    const name = longName ?? (prefix === "" ? "" : `${prefix}/`) + textIn(header, 0, 100);
    if (type !== "g") [longName, longSize] = [undefined, undefined];
    const first = begin;
    begin = undefined;
    if (type !== "0" && type !== "\0" && type !== "7") continue;
    if (offset + size > end)
      return yield {
        damage: `it is cut off in ${name}: ${Math.max(0, end - offset)} of its ${size} bytes are there`,
      };
    yield { name, begin: first, offset, size, read: () => bytes(offset, size) };
  }
}

/** The sum of a header's bytes, its own field counted as blanks, stands in it. */
function isHeader(header: Buffer): boolean {
  let sum = 0;
  for (let i = 0; i < block; i++) sum += i >= 148 && i < 156 ? 32 : header[i]!;
  return sum === numberIn(header, 148, 8);
}

/** Octal digits, or, where the first bit is set, a binary number. */
function numberIn(header: Buffer, at: number, length: number): number {
  if ((header[at]! & 0x80) === 0) return Number.parseInt(textIn(header, at, length).trim() || "0", 8);
  let value = header[at]! & 0x7f;
  for (let i = 1; i < length; i++) value = value * 256 + header[at + i]!;
  return value;
}

function textIn(bytes: Buffer, at: number, length: number): string {
  const field = bytes.subarray(at, at + length);
  const end = field.indexOf(0);
  return field.toString("utf8", 0, end < 0 ? field.length : end);
}

/** Records of "length key=value\n", the length in bytes. */
function pax(bytes: Buffer): Map<string, string> {
  const records = new Map<string, string>();
  for (let at = 0; at < bytes.length; ) {
    const blank = bytes.indexOf(32, at);
    const length = Number(bytes.toString("latin1", at, blank));
    if (blank < 0 || !(length > 0)) break;
    const record = bytes.toString("utf8", blank + 1, at + length - 1);
    const equals = record.indexOf("=");
    records.set(record.slice(0, equals), record.slice(equals + 1));
    at += length;
  }
  return records;
}
