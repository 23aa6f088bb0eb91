import { invalid, unsupported } from "../errors.js";

/** The operand of an opcode: a fixed number of bytes, lines that end in \n, or bytes after their length (little-endian). */
export type Operand = { bytes: number } | { lines: number } | { lengthBytes: 1 | 4 | 8 };

/** An opcode by its name in pickletools. */
export interface TokenKind {
  name: string;
  operand: Operand;
}

/** Opcodes that are refused, and what they make. */
const refused: Record<number, string> = {
  48: "a tuple within itself (POP)",
  49: "a tuple within itself (POP_MARK)",
  50: "a value taken twice (DUP)",
  80: "an object outside of the file (PERSID)",
  81: "an object outside of the file (BINPERSID)",
  83: "text of Python 2 (STRING)",
  84: "text of Python 2 (BINSTRING)",
  85: "text of Python 2 (SHORT_BINSTRING)",
  105: "an object of a class (INST)",
  111: "an object of a class (OBJ)",
  129: "an object of a class (NEWOBJ)",
  130: "an object of a class (EXT1)",
  131: "an object of a class (EXT2)",
  132: "an object of a class (EXT4)",
  143: "a set (EMPTY_SET)",
  144: "a set (ADDITEMS)",
  145: "a set (FROZENSET)",
  146: "an object of a class (NEWOBJ_EX)",
  151: "an array outside of the file (NEXT_BUFFER)",
  152: "an array outside of the file (READONLY_BUFFER)",
};

/** The longest operand, and so the largest Python object. */
const longestOperand = 2 ** 30;

/** The longest text or line: V8 holds no string beyond 2^29. */
export const longestText = 2 ** 28;

const nothing = new Uint8Array();

/** Splits the bytes of a pickle into opcodes with their operands. */
export class PickleTokens<Kind extends TokenKind = TokenKind> {
  op!: Kind;
  /** The operand without its length or line feed; valid until the next `append`. */
  operand: Uint8Array = nothing;
  /** The second line of an opcode that has two. */
  second: Uint8Array = nothing;
  /** Offset of the opcode in the pickle. */
  offset = 0;
  /** After `next` returned false: the least number of bytes, from the opcode on, that it needs. */
  wanted = 0;
  /** Whether STOP was read. */
  stopped = false;
  private bytes: Uint8Array = nothing;
  private at = 0;
  /** Offset of `bytes` in the pickle. */
  private base = 0;

  /** @param kinds the opcodes that are known, by their bytes */
  constructor(
    private readonly kinds: readonly (Kind | undefined)[],
    private readonly path?: string,
  ) {}

  /** Bytes consumed so far. */
  get consumed(): number {
    return this.base + this.at;
  }

  /** Bytes appended and not consumed yet. */
  get left(): number {
    return this.bytes.length - this.at;
  }

  append(chunks: Uint8Array[]): void {
    const left = this.bytes.subarray(this.at);
    this.base += this.at;
    this.at = 0;
    this.bytes = left.length === 0 && chunks.length === 1 ? chunks[0] : Buffer.concat([left, ...chunks]);
  }

  /** Reads the next opcode. Returns false, and consumes nothing, while it is incomplete. */
  next(): boolean {
    const { bytes, at, path } = this;
    if (at >= bytes.length) return this.lacks(1);
    const op = this.kinds[bytes[at]];
    this.offset = this.base + at;
    if (op === undefined) {
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
    const { name, operand: kind } = op;
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
    this.stopped = name === "STOP";
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
