import { isUtf8 } from "node:buffer";
import { invalid, shown, unsupported } from "../errors.js";
import { decodeArray, itemSize, type NdArray, transpose } from "./nd-array.js";
import { checkEnd, longestText, type Operand, PickleTokens, type TokenKind } from "./pickle-tokens.js";

/**
 * What a pickle holds: `None` is null; an int is a number, beyond 2^53 a bigint; a float is a number; bytes are a
 * Uint8Array; lists and tuples are arrays; a numpy scalar is a number, bigint or boolean.
 *
 * A dict whose keys are all text is a plain object, safe against a key `__proto__` as in JSON.parse (and as there, keys
 * that look like whole numbers come first); any other dict is a Map.
 */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | NdArray
  | PickleValue[]
  | { [key: string]: PickleValue }
  | Map<PickleValue, PickleValue>;

/** Opens a file anew and yields its bytes in chunks. */
export type ByteSource = () => AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/**
 * The value in a pickle, protocols 0 to 5, as Python 3 writes dict (OrderedDict and defaultdict too), list, tuple, str, int, float, bool, None, bytes and
 * numpy arrays and scalars of numbers.
 *
 * Nothing is ever executed: a pickle that names any other class or function is an error.
 *
 * @param path named in errors
 * @throws unsupported for other types; invalid for what is cut off or no pickle
 * @see pickletools of Python 3.13
 * @example
 * const speakers = readPickle(readFileSync("final_embeddings/speaker_embeddings.pkl"));
 */
export function readPickle(bytes: Uint8Array, { path }: { path?: string } = {}): PickleValue {
  const tokens = new PickleTokens(table, path);
  tokens.append([bytes]);
  const machine = new Unpickler(tokens, { path });
  machine.run();
  checkEnd(tokens, path);
  return machine.result;
}

/**
 * The entries of a pickled dict one by one, in its order, for a dict that is too large for memory.
 *
 * Reads the file twice: Python lets any value be referred to later, so the first pass finds the few that are, and only
 * those are kept. A file that is cut off is an error before the first entry.
 *
 * @param source opens the file anew, for instance `() => createReadStream(path)`
 * @param path named in errors
 * @throws as `readPickle`; invalid when the value is not a dict with text as keys
 * @example
 * for await (const [key, value] of readPickleDictEntries(() => createReadStream("utterance_embeddings.pkl"))) n++;
 */
export async function* readPickleDictEntries(
  source: ByteSource,
  { path }: { path?: string } = {},
): AsyncGenerator<[key: string, value: PickleValue]> {
  const recalled = new Set<number>();
  for await (const tokens of fillings(source, path))
    while (!tokens.stopped && tokens.next())
      if (tokens.op.name.endsWith("GET")) recalled.add(indexIn(tokens, path));

  let machine: Unpickler | undefined;
  const entries: [string, PickleValue][] = [];
  const onEntry = gather(entries, path);
  for await (const tokens of fillings(source, path)) {
    machine ??= new Unpickler(tokens, { path, recalled, onEntry });
    machine.run();
    yield* entries;
    entries.length = 0;
  }
}

/** Puts entries with text as keys into a list. */
const gather =
  (entries: [string, PickleValue][], path: string | undefined) => (key: PickleValue, value: PickleValue) => {
    if (typeof key !== "string")
      throw invalid(`The dict has ${shown(key)} as a key. Every key must be text.`, { got: key, path });
    entries.push([key, value]);
  };

/** Yields one tokeniser again and again, each time with more bytes in it. */
async function* fillings(source: ByteSource, path: string | undefined): AsyncGenerator<PickleTokens<Opcode>> {
  const tokens = new PickleTokens(table, path);
  let chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of source()) {
    chunks.push(chunk);
    size += chunk.length;
    // A long operand is concatenated once, not with every chunk.
    if (tokens.left + size < tokens.wanted) continue;
    tokens.append(chunks);
    chunks = [];
    size = 0;
    yield tokens;
  }
  tokens.append(chunks);
  checkEnd(tokens, path);
}

/** No sensible file has a larger stack: Python builds lists and dicts in batches of a thousand. */
const mostOpenValues = 1_000_000;

/** Deeper values do not load in Python either (its recursion limit is 1000). */
const deepest = 1000;

/**
 * A pickle can refer to a value any number of times, so a few hundred bytes can expand to more values than any memory holds.
 * Each byte read allows for this many; `fewestValues` are always allowed.
 */
const valuesPerByte = 10;
const fewestValues = 1_000_000;

/** The classes and functions that a pickle may name. Protocols 0 to 2 use Python 2's module names. */
const globals: Record<string, string> = {
  "numpy.ndarray": "ndarray",
  // Their pickles hold numbers as that of any array.
  "numpy.memmap": "ndarray",
  "numpy.matrix": "ndarray",
  "numpy.dtype": "dtype",
  "numpy.core.multiarray._reconstruct": "reconstruct",
  "numpy._core.multiarray._reconstruct": "reconstruct",
  "numpy.core.multiarray.scalar": "scalar",
  "numpy._core.multiarray.scalar": "scalar",
  "numpy.core.numeric._frombuffer": "frombuffer",
  "numpy._core.numeric._frombuffer": "frombuffer",
  "_codecs.encode": "encode",
  "__builtin__.bytes": "bytes",
  // With fix_imports=False.
  "builtins.bytes": "bytes",
  "collections.OrderedDict": "dict",
  "collections.defaultdict": "dict",
  // The default factory of a defaultdict, which is never called.
  ...Object.fromEntries(
    ["list", "dict", "set", "int", "long", "float", "str", "unicode", "tuple"].flatMap((name) =>
      ["builtins", "__builtin__"].map((module) => [`${module}.${name}`, "factory"]),
    ),
  ),
};

/** A function or class on the stack. */
class Global {
  constructor(
    readonly name: string,
    /** With its module, as the pickle names it. */
    readonly full: string,
  ) {}
}

/** A number type on the stack. */
class NumberType {
  bigEndian = false;
  constructor(readonly code: string) {}
}

/** A tuple that holds functions or types: the arguments of a call. */
class Arguments {
  constructor(readonly items: unknown[]) {}
}

/** The number of values that a value expands to, itself included, and how deep they nest. */
class Extent {
  count = 1;
  depth = 1;
}

const single = new Extent();

/** A value under construction. Once another value holds it, it is closed and may not grow, so none can contain itself. */
abstract class Open<T extends PickleValue = PickleValue> {
  readonly extent = new Extent();
  closed = false;
  abstract value: T;
}

class OpenList extends Open<PickleValue[]> {
  value: PickleValue[] = [];
}

class OpenArray extends Open<NdArray> {
  value: NdArray = { data: new Int8Array(), shape: [0], dtype: "int8" };
}

class OpenDict extends Open {
  value: { [key: string]: PickleValue } | Map<PickleValue, PickleValue> = {};

  constructor(private readonly onEntry?: (key: PickleValue, value: PickleValue) => void) {
    super();
  }

  get keeps(): boolean {
    return this.onEntry === undefined;
  }

  set(key: PickleValue, value: PickleValue): void {
    if (this.onEntry !== undefined) this.onEntry(key, value);
    else if (this.value instanceof Map) this.value.set(key, value);
    else if (typeof key !== "string")
      this.value = new Map<PickleValue, PickleValue>(Object.entries(this.value)).set(key, value);
    else if (key === "__proto__")
      Object.defineProperty(this.value, key, { value, writable: true, enumerable: true, configurable: true });
    else this.value[key] = value;
  }
}

class Unpickler {
  private readonly stack: unknown[] = [];
  /** Where in the stack each MARK stands. */
  private readonly marks: number[] = [];
  private readonly memo = new Map<number, unknown>();
  private memoized = 0;
  private root: unknown;
  private readonly tuples = new WeakMap<object, Extent>();
  private arrayBytes = 0;
  /** Bytes that protocols 0 to 2 write as text. They become arrays after that, so these are counted on their own. */
  private encodedBytes = 0;

  constructor(
    readonly tokens: PickleTokens<Opcode>,
    private readonly options: {
      path?: string;
      /** Memo entries that will be read; default: all. */
      recalled?: Set<number>;
      /** Receives the entries of the outermost dict. */
      onEntry?: (key: PickleValue, value: PickleValue) => void;
    },
  ) {}

  /** The value, after STOP. */
  get result(): PickleValue {
    return this.plain(this.root);
  }

  /** Runs until the bytes, or the pickle, end. */
  run(): void {
    const { tokens } = this;
    while (!tokens.stopped && tokens.next()) tokens.op.step(this, tokens.operand);
  }

  /** The error for a broken pickle. */
  wrong(what: string, remedy?: string) {
    return invalid(this.sentence(what, remedy), { path: this.options.path });
  }

  /** The error for a valid pickle with something that is not supported. */
  refuse(what: string, remedy?: string) {
    return unsupported(this.sentence(what, remedy), { path: this.options.path });
  }

  private sentence(what: string, remedy: string | undefined): string {
    const sentence = `The pickle has ${what} at byte ${this.tokens.offset}.`;
    return remedy === undefined ? sentence : `${sentence} ${remedy}`;
  }

  protocol(version: number): void {
    if (version > 5) throw this.refuse(`protocol ${version}`, "Protocols 0 to 5 can be read.");
  }

  stop(): void {
    [this.root] = this.popItems(1);
    if (this.stack.length > 0 || this.marks.length > 0) throw this.wrong("more than one value");
    if (this.options.onEntry !== undefined && !(this.root instanceof OpenDict))
      throw this.wrong(`${kindOf(this.root)} as its value`, "It must be a dict.");
  }

  mark(): void {
    this.marks.push(this.stack.length);
  }

  // --- the stack

  push(value: unknown): void {
    if (this.stack.length >= mostOpenValues)
      throw this.refuse(
        `${mostOpenValues} values at once on its stack`,
        "Python writes a thousand at a time.",
      );
    // The name of the dict's class may come first.
    const mayBecomeDict = value instanceof OpenDict || isInternal(value) || typeof value === "string";
    if (this.options.onEntry !== undefined && this.stack.length === 0 && !mayBecomeDict)
      throw this.wrong(`${kindOf(value)} as its value`, "It must be a dict.");
    this.stack.push(value);
  }

  popItems(count: number): unknown[] {
    const from = this.stack.length - count;
    if (from < (this.marks.at(-1) ?? 0)) throw this.wrong("too few values on its stack");
    return this.stack.splice(from, count);
  }

  popMarked(): unknown[] {
    const mark = this.marks.pop();
    if (mark === undefined) throw this.wrong("no mark on its stack");
    return this.stack.splice(mark);
  }

  top(): unknown {
    if (this.stack.length <= (this.marks.at(-1) ?? 0)) throw this.wrong("too few values on its stack");
    return this.stack[this.stack.length - 1];
  }

  /** The value of a stack item, which is complete from now on. */
  private plain(item: unknown): PickleValue {
    if (item instanceof Open) {
      item.closed = true;
      return item.value;
    }
    if (isInternal(item))
      throw this.refuse(`${kindOf(item)} as a value`, "Plain values and numpy arrays can be read.");
    return item as PickleValue;
  }

  /** The same for a part of another value, which must not become too large or too deep. */
  private part(extent: Extent, item: unknown): PickleValue {
    const inner =
      item instanceof Open ? item.extent : Array.isArray(item) ? (this.tuples.get(item) ?? single) : single;
    extent.count += inner.count;
    if (inner.depth >= extent.depth) extent.depth = inner.depth + 1;
    if (extent.depth > deepest) throw this.refuse(`values nested more than ${deepest} levels deep`);
    if (extent.count > fewestValues + valuesPerByte * this.tokens.consumed)
      throw this.refuse("references that unfold to more than a million values");
    return this.plain(item);
  }

  // --- numbers and text

  long(bytes: Uint8Array): number | bigint {
    if (bytes.length === 0) return 0;
    if (bytes.length > 2048)
      throw this.refuse(`a whole number of ${bytes.length} bytes`, "At most 2048 can be read.");
    const hex = Buffer.from(bytes).reverse().toString("hex");
    return narrow(BigInt.asIntN(8 * bytes.length, BigInt(`0x${hex}`)));
  }

  decimal(digits: string): number | bigint | boolean {
    if (digits === "00") return false;
    if (digits === "01") return true;
    if (!/^-?\d{1,4300}L?$/.test(digits))
      throw this.wrong(`the whole number ${shown(digits)}`, "It must be at most 4300 digits.");
    return narrow(BigInt(digits.replace("L", "")));
  }

  decimalFloat(text: string): number {
    const special = /^(-?)(?:(inf)|nan)$/.exec(text);
    if (special) return special[2] ? (special[1] ? -1 : 1) * Number.POSITIVE_INFINITY : Number.NaN;
    if (!/^-?\d+(\.\d*)?(e[+-]?\d+)?$/i.test(text))
      throw this.wrong(`the number ${shown(text)}`, "It must be digits.");
    return Number(text);
  }

  text(bytes: Uint8Array): string {
    if (bytes.length > longestText)
      throw this.refuse(`text of ${bytes.length} bytes`, `At most ${longestText} can be read.`);
    if (!isUtf8(bytes)) throw this.wrong("text that is not UTF-8");
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8");
  }

  /** Python's raw-unicode-escape, for protocol 0. */
  escapedText(escaped: string): string {
    const text = escaped.replace(/\\u([\da-fA-F]{4})|\\U([\da-fA-F]{8})/g, (_, short, long) => {
      const code = Number.parseInt(short ?? long, 16);
      if (code > 0x10ffff) throw this.wrong(`text with the character ${code}`, "Unicode ends at 1114111.");
      return String.fromCodePoint(code);
    });
    if (/\p{Surrogate}/u.test(text)) throw this.wrong("text that is not UTF-8");
    return text;
  }

  // --- containers

  pushTuple(items: unknown[]): void {
    if (items.some(isInternal)) {
      this.push(new Arguments(items));
      return;
    }
    const extent = new Extent();
    const tuple = items.map((item) => this.part(extent, item));
    this.tuples.set(tuple, extent);
    this.push(tuple);
  }

  pushList(items: unknown[]): void {
    const list = new OpenList();
    this.extend(items, list);
    this.push(list);
  }

  pushDict(items: unknown[]): void {
    const dict = new OpenDict(this.stack.length === 0 ? this.options.onEntry : undefined);
    this.update(items, dict);
    this.push(dict);
  }

  extend(items: unknown[], list: unknown): void {
    if (!(list instanceof OpenList)) throw this.wrong(`${kindOf(list)} where a list must be`);
    for (const item of items) list.value.push(this.part(list.extent, item));
    if (list.closed) throw this.refuse("a list within itself");
  }

  update(items: unknown[], dict: unknown): void {
    if (!(dict instanceof OpenDict)) throw this.wrong(`${kindOf(dict)} where a dict must be`);
    if (items.length % 2 !== 0) throw this.wrong("a key without a value");
    // Entries that are passed on are not kept, so their sizes do not add up.
    const extent = () => (dict.keeps ? dict.extent : new Extent());
    for (let i = 0; i < items.length; i += 2)
      dict.set(this.part(extent(), items[i]), this.part(extent(), items[i + 1]));
    if (dict.closed) throw this.refuse("a dict within itself");
  }

  // --- references

  index(): number {
    return indexIn(this.tokens, this.options.path);
  }

  /** From protocol 4 on, entries have no index and are numbered in order. */
  put(index = this.memoized++): void {
    const { recalled } = this.options;
    if (recalled === undefined || recalled.has(index)) this.memo.set(index, this.top());
  }

  recall(index: number): unknown {
    const value = this.memo.get(index);
    if (value === undefined)
      throw this.wrong(`a reference to value ${index}`, "No such value comes before it.");
    return value;
  }

  // --- functions

  pushGlobal([module, name]: unknown[]): void {
    const full = typeof module === "string" && typeof name === "string" ? `${module}.${name}` : "";
    if (!Object.hasOwn(globals, full))
      throw this.refuse(
        `the function or class ${full ? shown(full) : `${shown(module)}, ${shown(name)}`}`,
        "Plain values and numpy arrays can be read; nothing was executed.",
      );
    this.push(new Global(globals[full], full));
  }

  call([callee, packed]: unknown[]): unknown {
    const args = itemsOf(packed);
    const name = callee instanceof Global ? callee.name : kindOf(callee);
    if (args !== undefined) {
      const [first, second] = args;
      if (name === "reconstruct" && first instanceof Global && first.name === "ndarray")
        return new OpenArray();
      if (name === "dtype" && typeof first === "string") {
        itemSize(first, this.options.path);
        return new NumberType(first);
      }
      if (name === "bytes" && args.length === 0) return new Uint8Array();
      if (name === "dict" && args.every((arg) => arg === null || arg instanceof Global))
        return new OpenDict(this.stack.length === 0 ? this.options.onEntry : undefined);
      if (name === "encode" && typeof first === "string" && second === "latin1")
        return this.latin1Bytes(first);
      if (name === "scalar" && first instanceof NumberType && second instanceof Uint8Array) {
        const { data, dtype } = this.array(second, first, [], false);
        return dtype === "bool" ? data[0] !== 0 : narrow(data[0]);
      }
      if (name === "frombuffer" && first instanceof Uint8Array) {
        const array = new OpenArray();
        array.value = this.fromBuffer(first, second, args.slice(2));
        return array;
      }
    }
    throw this.refuse(
      `a call of ${callee instanceof Global ? callee.full : name}`,
      "Only numpy arrays and numbers can be made, of the arguments that numpy writes.",
    );
  }

  build(packed: unknown, target: unknown): void {
    const state = itemsOf(packed) ?? [];
    if (target instanceof OpenArray && !target.closed) {
      const [, shape, type, fortranOrder, bytes] = state;
      Object.assign(target.value, this.array(bytes, type, shape, fortranOrder));
    } else if (target instanceof NumberType) {
      if (
        typeof state[1] !== "string" ||
        !/^[<>|=]$/.test(state[1]) ||
        state.slice(2, 5).some((part) => part !== null)
      )
        throw this.refuse(`${kindOf(packed)} as a number type`);
      target.bigEndian = state[1] === ">";
    } else throw this.refuse(`the state of ${kindOf(target)}`, "Only numpy arrays have one.");
  }

  private array(bytes: unknown, type: unknown, shape: unknown, fortranOrder: unknown): NdArray {
    if (
      !(bytes instanceof Uint8Array) ||
      !(type instanceof NumberType) ||
      !Array.isArray(shape) ||
      typeof fortranOrder !== "boolean"
    )
      throw this.wrong(
        `an array made of ${[bytes, type, shape, fortranOrder].map(kindOf).join(", ")}`,
        "It must be bytes, a number type, a shape and an order.",
      );
    if (shape.length > 64) throw this.wrong(`an array of ${shape.length} axes`, "numpy has at most 64.");
    this.arrayBytes = this.counted(this.arrayBytes + bytes.length);
    const { code, bigEndian } = type;
    // A copy, because the pickle may refer to the bytes again.
    const own = new Uint8Array(bytes);
    return decodeArray(own, { code, bigEndian, fortranOrder, shape: [...shape] }, this.options.path);
  }

  /** numpy's `_frombuffer`, of protocol 5. Order K, since numpy 2.3, is C order with the axes turned round. */
  private fromBuffer(bytes: Uint8Array, type: unknown, [shape, order, axes]: unknown[]): NdArray {
    const array = this.array(bytes, type, shape, order === "F");
    if (order === "C" || order === "F") return array;
    const given = Array.isArray(axes) ? axes : [];
    if (
      order !== "K" ||
      array.shape.some((_, axis) => !given.includes(axis)) ||
      given.length !== array.shape.length
    )
      throw this.refuse(
        `an array in the order ${shown(order)} with the axes ${shown(axes)}`,
        "The order must be C, F, or K with every axis once.",
      );
    return transpose(array, given);
  }

  private latin1Bytes(text: string): Uint8Array {
    if (/[^\0-\xff]/.test(text)) throw this.wrong("bytes written as text beyond latin1");
    this.encodedBytes = this.counted(this.encodedBytes + text.length);
    return Uint8Array.from(text, (character) => character.charCodeAt(0));
  }

  /** Throws for more bytes than the file can hold, however often it refers to them. */
  private counted(bytes: number): number {
    if (bytes > this.tokens.consumed + 64)
      throw this.refuse(
        `arrays of ${bytes} bytes`,
        `They cannot have more than the ${this.tokens.consumed} bytes read so far.`,
      );
    return bytes;
  }
}

type Step = (machine: Unpickler, operand: Uint8Array) => void;
type Opcode = TokenKind & { step: Step };

const none: Operand = { bytes: 0 };
const line: Operand = { lines: 1 };

/** The opcodes that Python 3 writes for the types read here, by their names in pickletools: operand and effect. */
const opcodes: Record<string, [byte: number, operand: Operand, step: Step]> = {
  MARK: [0x28, none, (m) => m.mark()],
  EMPTY_TUPLE: [0x29, none, (m) => m.pushTuple([])],
  STOP: [0x2e, none, (m) => m.stop()],
  BINBYTES: [0x42, { lengthBytes: 4 }, (m, operand) => m.push(new Uint8Array(operand))],
  SHORT_BINBYTES: [0x43, { lengthBytes: 1 }, (m, operand) => m.push(new Uint8Array(operand))],
  FLOAT: [0x46, line, (m, operand) => m.push(m.decimalFloat(latin1(operand)))],
  BINFLOAT: [0x47, { bytes: 8 }, (m, operand) => m.push(viewOf(operand).getFloat64(0))],
  INT: [0x49, line, (m, operand) => m.push(m.decimal(latin1(operand)))],
  BININT: [0x4a, { bytes: 4 }, (m, operand) => m.push(viewOf(operand).getInt32(0, true))],
  BININT1: [0x4b, { bytes: 1 }, (m, operand) => m.push(operand[0])],
  LONG: [0x4c, line, (m, operand) => m.push(m.decimal(latin1(operand)))],
  BININT2: [0x4d, { bytes: 2 }, (m, operand) => m.push(operand[0] | (operand[1] << 8))],
  NONE: [0x4e, none, (m) => m.push(null)],
  REDUCE: [0x52, none, (m) => m.push(m.call(m.popItems(2)))],
  UNICODE: [0x56, line, (m, operand) => m.push(m.escapedText(latin1(operand)))],
  BINUNICODE: [0x58, { lengthBytes: 4 }, (m, operand) => m.push(m.text(operand))],
  EMPTY_LIST: [0x5d, none, (m) => m.push(new OpenList())],
  APPEND: [0x61, none, (m) => m.extend(m.popItems(1), m.top())],
  BUILD: [0x62, none, (m) => m.build(m.popItems(1)[0], m.top())],
  GLOBAL: [0x63, { lines: 2 }, (m, operand) => m.pushGlobal([m.text(operand), m.text(m.tokens.second)])],
  DICT: [0x64, none, (m) => m.pushDict(m.popMarked())],
  APPENDS: [0x65, none, (m) => m.extend(m.popMarked(), m.top())],
  GET: [0x67, line, (m) => m.push(m.recall(m.index()))],
  BINGET: [0x68, { bytes: 1 }, (m) => m.push(m.recall(m.index()))],
  LONG_BINGET: [0x6a, { bytes: 4 }, (m) => m.push(m.recall(m.index()))],
  LIST: [0x6c, none, (m) => m.pushList(m.popMarked())],
  PUT: [0x70, line, (m) => m.put(m.index())],
  BINPUT: [0x71, { bytes: 1 }, (m) => m.put(m.index())],
  LONG_BINPUT: [0x72, { bytes: 4 }, (m) => m.put(m.index())],
  SETITEM: [0x73, none, (m) => m.update(m.popItems(2), m.top())],
  TUPLE: [0x74, none, (m) => m.pushTuple(m.popMarked())],
  SETITEMS: [0x75, none, (m) => m.update(m.popMarked(), m.top())],
  EMPTY_DICT: [0x7d, none, (m) => m.pushDict([])],
  PROTO: [0x80, { bytes: 1 }, (m, operand) => m.protocol(operand[0])],
  TUPLE1: [0x85, none, (m) => m.pushTuple(m.popItems(1))],
  TUPLE2: [0x86, none, (m) => m.pushTuple(m.popItems(2))],
  TUPLE3: [0x87, none, (m) => m.pushTuple(m.popItems(3))],
  NEWTRUE: [0x88, none, (m) => m.push(true)],
  NEWFALSE: [0x89, none, (m) => m.push(false)],
  LONG1: [0x8a, { lengthBytes: 1 }, (m, operand) => m.push(m.long(operand))],
  LONG4: [0x8b, { lengthBytes: 4 }, (m, operand) => m.push(m.long(operand))],
  SHORT_BINUNICODE: [0x8c, { lengthBytes: 1 }, (m, operand) => m.push(m.text(operand))],
  BINUNICODE8: [0x8d, { lengthBytes: 8 }, (m, operand) => m.push(m.text(operand))],
  BINBYTES8: [0x8e, { lengthBytes: 8 }, (m, operand) => m.push(new Uint8Array(operand))],
  STACK_GLOBAL: [0x93, none, (m) => m.pushGlobal(m.popItems(2))],
  MEMOIZE: [0x94, none, (m) => m.put()],
  FRAME: [0x95, { bytes: 8 }, () => {}],
  BYTEARRAY8: [0x96, { lengthBytes: 8 }, (m, operand) => m.push(new Uint8Array(operand))],
};

const table: Opcode[] = [];
for (const [name, [byte, operand, step]] of Object.entries(opcodes)) table[byte] = { name, operand, step };

function itemsOf(packed: unknown): unknown[] | undefined {
  if (packed instanceof Arguments) return packed.items;
  return Array.isArray(packed) ? packed : undefined;
}

function isInternal(item: unknown): boolean {
  return item instanceof Global || item instanceof NumberType || item instanceof Arguments;
}

/** The type of a value for an error, from its prototype: a dict may have a key `constructor`. */
function kindOf(value: unknown): string {
  if (value === null) return "None";
  if (typeof value !== "object") return typeof value;
  const prototype = Object.getPrototypeOf(value) as { constructor: { name: string } } | null;
  const name = prototype?.constructor.name ?? "Object";
  return inPython[name] ?? name;
}

/** Python's names of values under construction. */
const inPython: Record<string, string> = {
  OpenList: "list",
  OpenArray: "array",
  OpenDict: "dict",
  NumberType: "numpy dtype",
};

function indexIn({ op, operand, offset }: PickleTokens<Opcode>, path: string | undefined): number {
  if (operand.length === 1 && op.name.startsWith("BIN")) return operand[0];
  if (op.name.startsWith("LONG")) return viewOf(operand).getUint32(0, true);
  const digits = latin1(operand);
  if (!/^\d{1,15}$/.test(digits))
    throw invalid(
      `The pickle has the reference ${shown(digits)} at byte ${offset}. It must be a whole number.`,
      { got: digits, path },
    );
  return Number(digits);
}

function narrow(value: number | bigint): number | bigint {
  const number = Number(value);
  return typeof value === "bigint" && !Number.isSafeInteger(number) ? value : number;
}

const latin1 = (bytes: Uint8Array) =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
