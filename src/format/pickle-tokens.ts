import { invalid, unsupported } from "../errors.js";

/** What follows an opcode: so many bytes, lines that end in \n, or a little-endian length and as many bytes. */
type Operand = { bytes: number } | { lines: number } | { lengthBytes: 1 | 4 | 8 };

const none: Operand = { bytes: 0 };
const line: Operand = { lines: 1 };

/** The opcodes that Python 3 writes for the types read here, by their names in pickletools. */
const opcodes: Record<string, [byte: number, operand: Operand]> = {
  MARK: [0x28, none],
  EMPTY_TUPLE: [0x29, none],
  STOP: [0x2e, none],
  BINBYTES: [0x42, { lengthBytes: 4 }],
  SHORT_BINBYTES: [0x43, { lengthBytes: 1 }],
  FLOAT: [0x46, line],
  BINFLOAT: [0x47, { bytes: 8 }],
  INT: [0x49, line],
  BININT: [0x4a, { bytes: 4 }],
  BININT1: [0x4b, { bytes: 1 }],
  LONG: [0x4c, line],
  BININT2: [0x4d, { bytes: 2 }],
  NONE: [0x4e, none],
  REDUCE: [0x52, none],
  UNICODE: [0x56, line],
  BINUNICODE: [0x58, { lengthBytes: 4 }],
  EMPTY_LIST: [0x5d, none],
  APPEND: [0x61, none],
  BUILD: [0x62, none],
  GLOBAL: [0x63, { lines: 2 }],
  DICT: [0x64, none],
  APPENDS: [0x65, none],
  GET: [0x67, line],
  BINGET: [0x68, { bytes: 1 }],
  LONG_BINGET: [0x6a, { bytes: 4 }],
  LIST: [0x6c, none],
  PUT: [0x70, line],
  BINPUT: [0x71, { bytes: 1 }],
  LONG_BINPUT: [0x72, { bytes: 4 }],
  SETITEM: [0x73, none],
  TUPLE: [0x74, none],
  SETITEMS: [0x75, none],
  EMPTY_DICT: [0x7d, none],
  PROTO: [0x80, { bytes: 1 }],
  TUPLE1: [0x85, none],
  TUPLE2: [0x86, none],
  TUPLE3: [0x87, none],
  NEWTRUE: [0x88, none],
  NEWFALSE: [0x89, none],
  LONG1: [0x8a, { lengthBytes: 1 }],
  LONG4: [0x8b, { lengthBytes: 4 }],
  SHORT_BINUNICODE: [0x8c, { lengthBytes: 1 }],
  BINUNICODE8: [0x8d, { lengthBytes: 8 }],
  BINBYTES8: [0x8e, { lengthBytes: 8 }],
  STACK_GLOBAL: [0x93, none],
  MEMOIZE: [0x94, none],
  FRAME: [0x95, { bytes: 8 }],
  BYTEARRAY8: [0x96, { lengthBytes: 8 }],
};

/** Opcodes of other kinds of objects: sets, classes, Python 2 text, objects within themselves or outside the file. */
const refused: Record<number, string> = {
  48: "POP",
  49: "POP_MARK",
  50: "DUP",
  80: "PERSID",
  81: "BINPERSID",
  83: "STRING",
  84: "BINSTRING",
  85: "SHORT_BINSTRING",
  105: "INST",
  111: "OBJ",
  129: "NEWOBJ",
  130: "EXT1",
  131: "EXT2",
  132: "EXT4",
  143: "EMPTY_SET",
  144: "ADDITEMS",
  145: "FROZENSET",
  146: "NEWOBJ_EX",
  151: "NEXT_BUFFER",
  152: "READONLY_BUFFER",
};

const table: ([name: string, operand: Operand] | undefined)[] = [];
for (const [name, [byte, operand]] of Object.entries(opcodes)) table[byte] = [name, operand];

/** The longest operand: what one Python object may take. */
const longestOperand = 2 ** 30;

/** The longest text or line: V8 holds no string beyond 2^29. */
export const longestText = 2 ** 28;

const nothing = new Uint8Array();

/** Cuts the bytes of a pickle into opcodes, each with its operand. */
export class PickleTokens {
  op = "";
  /** The operand without its length or line feed; valid until the next `append`. */
  operand: Uint8Array = nothing;
  /** The second line of an opcode that has two. */
  second: Uint8Array = nothing;
  /** Where the opcode stands in the whole pickle. */
  offset = 0;
  /** When `next` was false: how many bytes from the opcode on it takes to go on, at least. */
  wanted = 0;
  /** Whether STOP was taken. */
  stopped = false;
  private bytes: Uint8Array = nothing;
  private at = 0;
  /** Where `bytes` begins in the whole pickle. */
  private base = 0;

  constructor(private readonly path?: string) {}

  /** Bytes taken so far. */
  get consumed(): number {
    return this.base + this.at;
  }

  /** Bytes appended and not taken yet. */
  get left(): number {
    return this.bytes.length - this.at;
  }

  append(chunks: Uint8Array[]): void {
    const left = this.bytes.subarray(this.at);
    this.base += this.at;
    this.at = 0;
    this.bytes = left.length === 0 && chunks.length === 1 ? chunks[0] : Buffer.concat([left, ...chunks]);
  }

  /** Takes the next opcode, or takes nothing and returns false because it is not all there yet. */
  next(): boolean {
    const { bytes, at, path } = this;
    if (at >= bytes.length) return this.lacks(1);
    const entry = table[bytes[at]];
    this.offset = this.base + at;
    if (entry === undefined) {
      const code = `0x${bytes[at].toString(16).padStart(2, "0")}`;
      if (Object.hasOwn(refused, bytes[at]))
        throw unsupported(
          `The pickle has ${refused[bytes[at]]} at byte ${this.offset}. Plain values and numpy arrays can be read; nothing was executed.`,
          { path },
        );
      throw invalid(`The pickle has ${code} at byte ${this.offset}, which is no operation of a pickle.`, {
        path,
      });
    }
    const [op, kind] = entry;
    let start = at + 1;
    let end = start;
    if ("bytes" in kind) end += kind.bytes;
    else if ("lengthBytes" in kind) {
      start += kind.lengthBytes;
      if (start > bytes.length) return this.lacks(start - at);
      end = start + this.length(bytes, at + 1, kind.lengthBytes);
    } else {
      end = bytes.indexOf(10, start);
      if ((end < 0 ? bytes.length : end) - start > longestText)
        throw unsupported(`The pickle has a line of more than ${longestText} bytes at byte ${this.offset}.`, {
          path,
        });
      if (end < 0) return this.lacks(2 * (bytes.length - at));
    }
    if (end > bytes.length) return this.lacks(end - at);
    this.op = op;
    this.stopped = op === "STOP";
    this.operand = bytes.subarray(start, end);
    this.at = "lines" in kind ? end + 1 : end;
    if ("lines" in kind && kind.lines === 2) {
      const feed = bytes.indexOf(10, end + 1);
      if (feed < 0) {
        this.at = at;
        return this.lacks(2 * (bytes.length - at));
      }
      this.second = bytes.subarray(end + 1, feed);
      this.at = feed + 1;
    }
    return true;
  }

  private lacks(wanted: number): false {
    this.wanted = wanted;
    this.offset = this.base + this.at;
    return false;
  }

  private length(bytes: Uint8Array, at: number, width: number): number {
    let length = 0;
    for (let i = width - 1; i >= 0; i--) length = length * 256 + bytes[at + i];
    if (length > longestOperand)
      throw unsupported(
        `The pickle has a value of ${length} bytes at byte ${this.offset}. At most ${longestOperand} can be read.`,
        { got: length, path: this.path },
      );
    return length;
  }
}

/** Throws unless the pickle ended with STOP and nothing came after it. */
export function checkEnd({ stopped, consumed, wanted, left }: PickleTokens, path?: string): void {
  if (!stopped)
    throw invalid(
      `The pickle is cut off: it has ${consumed + left} bytes and needs at least ${consumed + Math.max(wanted, left + 1)}.`,
      { got: consumed + left, path },
    );
  if (left > 0)
    throw invalid(`The pickle ends at byte ${consumed}, but ${left} bytes follow.`, { got: left, path });
}
