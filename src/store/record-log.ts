import { closeSync, fsyncSync, ftruncateSync, openSync, writeSync } from "node:fs";
import { open } from "node:fs/promises";
import { crc32 } from "node:zlib";
import { bytesOf } from "../format/nd-array.js";
import { namePath } from "../util/name-path.js";

/** A record as it was read back. */
export interface LogRecord<Meta = unknown> {
  meta: Meta;
  /** Where the vector's bytes begin in the file. */
  vectorOffset: number;
  /** Numbers in the vector; 0 when there is none. */
  vectorLength: number;
}

export interface LogEnd {
  /** Where the last whole record ends: what follows is torn. */
  end: number;
  /** Bytes that belong to no whole record: a torn end, or damage in the middle. */
  damagedBytes: number;
}

// One record: magic, bytes of JSON, numbers in the vector, CRC-32 of both; then the JSON and the float32 vector.
const magic = Buffer.from("SKR1", "latin1");
const headerSize = 16;

/**
 * Goes through a log of records, each a JSON value and a vector, without the vectors.
 *
 * Length and checksum tell a whole record from a torn or damaged one; after damage the search goes on at the next
 * record that is whole, so one bad sector costs what lies in it and no more.
 */
export async function scanLog<Meta>(
  path: string,
  onRecord: (record: LogRecord<Meta>) => void,
): Promise<LogEnd> {
  const file = await open(path, "r");
  try {
    let buffer = Buffer.alloc(0);
    let start = 0; // of the buffer in the file
    let damagedBytes = 0;
    let end = 0;
    for (;;) {
      const chunk = Buffer.allocUnsafe(4 << 20);
      const { bytesRead } = await file.read(chunk, 0, chunk.length, start + buffer.length);
      buffer = Buffer.concat([buffer, chunk.subarray(0, bytesRead)]);
      const atEnd = bytesRead === 0;
      let position = 0;
      for (;;) {
        const size = recordSize(buffer, position);
        if (size === "more" && !atEnd) break;
        if (typeof size === "number") {
          onRecord(record(buffer, position, start));
          position += size;
          end = start + position;
          continue;
        }
        if (position >= buffer.length) break;
        const next = buffer.indexOf(magic, position + 1);
        const skipTo = next < 0 ? (atEnd ? buffer.length : Math.max(position + 1, buffer.length - 3)) : next;
        damagedBytes += skipTo - position;
        position = skipTo;
        if (next < 0) break;
      }
      start += position;
      buffer = buffer.subarray(position);
      if (atEnd) return { end, damagedBytes };
    }
  } finally {
    await file.close();
  }
}

/** Size of the whole record at a position; "more" when its end is not in the buffer yet, "bad" when it is none. */
function recordSize(buffer: Buffer, position: number): number | "more" | "bad" {
  const left = buffer.length - position;
  if (left < headerSize) return "more";
  if (buffer.compare(magic, 0, 4, position, position + 4) !== 0) return "bad";
  const body = buffer.readUInt32LE(position + 4) + 4 * buffer.readUInt32LE(position + 8);
  // No record is nearly as long, so a larger length is damage.
  if (body > 16 << 20) return "bad";
  if (left < headerSize + body) return "more";
  const bytes = buffer.subarray(position + headerSize, position + headerSize + body);
  return crc32(bytes) === buffer.readUInt32LE(position + 12) ? headerSize + body : "bad";
}

function record<Meta>(buffer: Buffer, position: number, start: number): LogRecord<Meta> {
  const jsonLength = buffer.readUInt32LE(position + 4);
  const json = buffer.toString("utf8", position + headerSize, position + headerSize + jsonLength);
  return {
    meta: JSON.parse(json) as Meta,
    vectorOffset: start + position + headerSize + jsonLength,
    vectorLength: buffer.readUInt32LE(position + 8),
  };
}

/** Appends records to a log; each is in the file when `append` returns. */
export interface LogWriter {
  append(meta: unknown, vector?: Float32Array): void;
  /** Brings what was appended onto the disk. */
  sync(): void;
  close(): void;
}

/** Opens a log for appending at `end`: what lies behind it, a torn record, is cut off. */
export function openLog(path: string, end: number): LogWriter {
  const file = openSync(path, "a");
  const attempt = (action: () => void) => {
    try {
      action();
    } catch (error) {
      throw namePath(error, path);
    }
  };
  attempt(() => ftruncateSync(file, end));
  return {
    append(meta, vector = new Float32Array(0)) {
      const json = Buffer.from(JSON.stringify(meta));
      const body = Buffer.concat([json, bytesOf(vector)]);
      const header = Buffer.alloc(headerSize);
      magic.copy(header);
      header.writeUInt32LE(json.length, 4);
      header.writeUInt32LE(vector.length, 8);
      header.writeUInt32LE(crc32(body), 12);
      const bytes = Buffer.concat([header, body]);
      attempt(() => {
        for (let written = 0; written < bytes.length; ) written += writeSync(file, bytes, written);
      });
    },
    sync: () => attempt(() => fsyncSync(file)),
    close: () =>
      attempt(() => {
        try {
          fsyncSync(file);
        } finally {
          closeSync(file);
        }
      }),
  };
}

/** Reads vectors at their offsets, mostly ascending, through a window of a megabyte. */
export interface VectorReader {
  read(offset: number, length: number): Promise<Float32Array>;
  close(): Promise<void>;
}

export async function openVectorReader(path: string): Promise<VectorReader> {
  const file = await open(path, "r");
  let window: Buffer = Buffer.alloc(0);
  let start = 0;
  return {
    async read(offset, length) {
      const bytes = length * 4;
      if (offset < start || offset + bytes > start + window.length) {
        const next = Buffer.allocUnsafe(Math.max(1 << 20, bytes));
        const { bytesRead } = await file.read(next, 0, next.length, offset);
        window = next.subarray(0, bytesRead);
        start = offset;
      }
      const vector = new Float32Array(length);
      new Uint8Array(vector.buffer).set(window.subarray(offset - start, offset - start + bytes));
      return vector;
    },
    close: () => file.close(),
  };
}
