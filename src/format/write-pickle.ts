import { invalid, shown, unsupported } from "../errors.js";
import {
  bytesOf,
  type DType,
  dtypeOf,
  isNdArray,
  itemSize,
  ndArray,
  type TypedArray,
  typeCode,
} from "./nd-array.js";
import { PythonFloat } from "./python-float.js";

/** Frames and chunks are about this long, as Python's own. */
const frameLength = 1 << 16;

/** Python writes and reads the entries of a dict in batches of this many. */
const batchLength = 1000;

/** Deeper values do not load in Python either (its recursion limit is 1000). */
const deepest = 200;

/**
 * A pickle (protocol 4) that any Python from 3.4 on loads, with numpy 1.24 to 2.x when there are arrays in it.
 *
 * It names `numpy.core.multiarray`, which both numpy 1 and numpy 2 know without a warning; `numpy._core`, which numpy 2
 * itself writes, does not load on numpy 1. Arrays are writeable when loaded.
 *
 * null is None; whole numbers and bigints are int, others float, `float(1)` is 1.0; arrays are lists; plain objects and
 * Maps are dicts; Uint8Array is bytes; other typed arrays are numpy arrays of one axis; `{data, shape, dtype}` is a
 * numpy array of any shape.
 *
 * @throws unsupported for functions, undefined and class instances; invalid for a value within itself
 * @example
 * writeFileSync("a.pkl", writePickle({ embedding: Float32Array.of(1, 2), info: { speaker_id: "533" } }));
 */
export function writePickle(value: unknown): Uint8Array {
  const writer = new PickleWriter();
  writer.value(value, "value", 0);
  return Buffer.concat(writer.end());
}

/**
 * The pickle of a dict in chunks of about 64 kB, for a dict too large for memory: takes one entry at a time.
 *
 * @param entries keys, each only once, with values as in `writePickle`
 * @example
 * await pipeline(pickleDict(entries), createWriteStream("utterance_embeddings.pkl"));
 */
export async function* pickleDict(
  entries: AsyncIterable<readonly [string, unknown]> | Iterable<readonly [string, unknown]>,
): AsyncGenerator<Uint8Array> {
  const writer = new PickleWriter();
  writer.opcode("}");
  let count = 0;
  for await (const [key, value] of entries) {
    if (count % batchLength === 0) writer.opcode("(");
    writer.text(key);
    writer.value(value, key, 1);
    if (++count % batchLength === 0) writer.opcode("u");
    yield* writer.chunks();
  }
  if (count % batchLength !== 0) writer.opcode("u");
  yield* writer.end();
}

class PickleWriter {
  private frame = Buffer.allocUnsafe(2 * frameLength);
  private length = 0;
  private readonly done: Uint8Array[] = [Buffer.from([0x80, 4])];
  /** Values that are written once and then referred to: functions, number types, keys. At most 256. */
  private readonly memo = new Map<string, number>();

  /** The chunks that are complete so far. */
  chunks(): Uint8Array[] {
    return this.done.splice(0);
  }

  end(): Uint8Array[] {
    this.opcode(".");
    this.endFrame();
    return this.chunks();
  }

  opcode(code: string, ...operand: number[]): void {
    if (this.length >= frameLength) this.endFrame();
    this.room(1 + operand.length);
    this.frame[this.length++] = code.charCodeAt(0);
    for (const byte of operand) this.frame[this.length++] = byte;
  }

  value(value: unknown, subject: string, depth: number): void {
    if (depth > deepest)
      throw invalid(
        `${subject.slice(0, 60)} is nested more than ${deepest} levels deep, or lies within itself.`,
      );
    if (value === null) this.opcode("N");
    else if (typeof value === "boolean") this.opcode(value ? "\x88" : "\x89");
    else if (typeof value === "number") this.number(value);
    else if (typeof value === "bigint") this.long(value);
    else if (typeof value === "string") this.text(value);
    else if (value instanceof PythonFloat) this.float(value.value);
    else if (value instanceof Uint8Array) this.bytes(value);
    else if (ArrayBuffer.isView(value)) this.array(value as TypedArray, [(value as TypedArray).length]);
    else if (Array.isArray(value)) this.list(value, subject, depth);
    else if (value instanceof Map) this.dict(value, subject, depth);
    else if (typeof value === "object" && isNdArray(value)) {
      const { data, shape, dtype } = ndArray(value.data, value.shape, value.dtype);
      this.array(data, shape, dtype);
    } else if (isPlainObject(value)) this.dict(Object.entries(value), subject, depth);
    else
      throw unsupported(
        `${subject} is ${nameOf(value)}, which cannot be pickled. Give null, booleans, numbers, text, bytes, lists, plain objects or typed arrays.`,
      );
  }

  text(text: string): void {
    if (/\p{Surrogate}/u.test(text))
      throw invalid(`The text ${shown(text)} has half of a surrogate pair, which no encoding can write.`, {
        got: text,
      });
    const length = Buffer.byteLength(text);
    if (length < 256) this.opcode("\x8c", length);
    else this.opcode("X", ...uint32(length));
    this.room(length);
    this.length += this.frame.write(text, this.length);
  }

  private number(value: number): void {
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) this.float(value);
    else if (value >= 0 && value < 256) this.opcode("K", value);
    else if (value === (value | 0)) this.opcode("J", ...uint32(value));
    else this.long(BigInt(value));
  }

  private float(value: number): void {
    this.opcode("G");
    this.room(8);
    this.length = this.frame.writeDoubleBE(value, this.length);
  }

  /** Two's complement, little-endian, with one bit more than the number has, for its sign. */
  private long(value: bigint): void {
    const bits = (value < 0n ? ~value : value).toString(2).length + 1;
    const bytes = Math.ceil(bits / 8);
    if (bytes > 255) throw unsupported(`A whole number takes ${bytes} bytes. At most 255 can be pickled.`);
    const hex = BigInt.asUintN(8 * bytes, value)
      .toString(16)
      .padStart(2 * bytes, "0");
    this.opcode("\x8a", bytes, ...Buffer.from(hex, "hex").reverse());
  }

  private bytes(bytes: Uint8Array): void {
    const { length } = bytes;
    if (length > frameLength) {
      // Bytes longer than a frame go between two frames, with their opcode, and are not copied.
      this.endFrame();
      const head = Buffer.alloc(9);
      head[0] = 0x8e;
      head.writeBigUInt64LE(BigInt(length), 1);
      this.done.push(head, bytes);
      return;
    }
    if (length < 256) this.opcode("C", length);
    else this.opcode("B", ...uint32(length));
    this.room(length);
    this.frame.set(bytes, this.length);
    this.length += length;
  }

  private list(items: unknown[], subject: string, depth: number): void {
    this.opcode("]");
    this.batches(items.entries(), "e", ([i, item]) => this.value(item, `${subject}[${i}]`, depth + 1));
  }

  private dict(entries: Iterable<[unknown, unknown]>, subject: string, depth: number): void {
    this.opcode("}");
    this.batches(entries, "u", ([key, value]) => {
      if (typeof key === "string") this.shared(`key ${key}`, () => this.text(key));
      else this.value(key, `key in ${subject}`, depth + 1);
      this.value(value, `${subject}.${key}`, depth + 1);
    });
  }

  private batches<T>(items: Iterable<T>, close: string, write: (item: T) => void): void {
    let count = 0;
    for (const item of items) {
      if (count % batchLength === 0) this.opcode("(");
      write(item);
      if (++count % batchLength === 0) this.opcode(close);
    }
    if (count % batchLength !== 0) this.opcode(close);
  }

  /** As numpy's own: _reconstruct(ndarray, (0,), b"b"), then the state (1, shape, dtype, fortran order, bytes). */
  private array(data: TypedArray, shape: number[], dtype: DType = dtypeOf(data)): void {
    this.shared("numpy.core.multiarray._reconstruct", () =>
      this.global("numpy.core.multiarray", "_reconstruct"),
    );
    this.shared("arguments of _reconstruct", () => {
      this.global("numpy", "ndarray");
      this.opcode("K", 0);
      this.opcode("\x85");
      this.bytes(Buffer.from("b"));
      this.opcode("\x87");
    });
    this.opcode("R");
    this.opcode("(");
    this.number(1);
    this.opcode("(");
    for (const n of shape) this.number(n);
    this.opcode("t");
    this.dtype(dtype);
    this.opcode("\x89");
    this.bytes(bytesOf(data));
    this.opcode("t");
    this.opcode("b");
  }

  /** dtype("f4", False, True), then the state (3, "<", None, None, None, -1, -1, 0). */
  private dtype(dtype: DType): void {
    const code = typeCode(dtype);
    this.shared(`dtype ${code}`, () => {
      this.global("numpy", "dtype");
      this.text(code);
      for (const opcode of "\x89\x88\x87R(") this.opcode(opcode);
      this.number(3);
      this.text(itemSize(code) === 1 ? "|" : "<");
      for (const opcode of "NNN") this.opcode(opcode);
      for (const n of [-1, -1, 0]) this.number(n);
      this.opcode("t");
      this.opcode("b");
    });
  }

  private global(module: string, name: string): void {
    this.text(module);
    this.text(name);
    this.opcode("\x93");
  }

  /** Writes it the first time and refers to it afterwards. */
  private shared(name: string, write: () => void): void {
    const index = this.memo.get(name);
    if (index !== undefined) {
      this.opcode("h", index);
      return;
    }
    write();
    if (this.memo.size === 256) return;
    this.opcode("\x94");
    this.memo.set(name, this.memo.size);
  }

  private room(bytes: number): void {
    if (this.length + bytes <= this.frame.length) return;
    const longer = Buffer.allocUnsafe(2 * (this.length + bytes));
    this.frame.copy(longer, 0, 0, this.length);
    this.frame = longer;
  }

  private endFrame(): void {
    if (this.length === 0) return;
    const chunk = Buffer.allocUnsafe(9 + this.length);
    chunk[0] = 0x95;
    chunk.writeBigUInt64LE(BigInt(this.length), 1);
    this.frame.copy(chunk, 9, 0, this.length);
    this.done.push(chunk);
    this.length = 0;
  }
}

const uint32 = (value: number) => [value & 255, (value >> 8) & 255, (value >> 16) & 255, (value >> 24) & 255];

/** `undefined`, `a function`, `a Date`. */
const nameOf = (value: unknown): string =>
  value === undefined
    ? "undefined"
    : `a ${typeof value === "object" ? (value?.constructor?.name ?? "object without a class") : typeof value}`;

function isPlainObject(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}
