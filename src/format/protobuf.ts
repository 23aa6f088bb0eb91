import { invalid } from "../errors.js";

/** Bytes of one protobuf message. */
export interface Message {
  bytes: Uint8Array;
  path: string | undefined;
  /** How many messages it lies within. */
  depth: number;
}

export interface Field {
  number: number;
  /** The field as it stands, its number included. */
  raw: Uint8Array;
  /** A number for varints, bytes for what has a length, undefined for fixed-width numbers, which nothing here needs. */
  value: number | Uint8Array | undefined;
}

/** Subgraphs lie within nodes of graphs; more levels than this are no model. */
const maxDepth = 64;

export function fields(parent: Message): Field[] {
  const { bytes } = parent;
  const found: Field[] = [];
  let at = 0;
  const fail = (what: string) => broken(parent, `${what} at byte ${at} of ${bytes.length}`);
  const varint = (): number => {
    let value = 0;
    for (let power = 0; power < 10; power++) {
      if (at >= bytes.length) throw fail("cut off");
      const byte = bytes[at++]!;
      value += (byte & 127) * 128 ** power;
      if (byte < 128) return value;
    }
    throw fail("a number of more than 10 bytes");
  };
  const skip = (length: number): Uint8Array => {
    if (length > bytes.length - at) throw fail(`cut off: ${length} bytes announced`);
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const start = at;
    const key = varint();
    const number = Math.floor(key / 8);
    const wire = key % 8;
    let value: Field["value"];
    if (wire === 0) value = varint();
    else if (wire === 2) value = skip(varint());
    else if (wire === 1 || wire === 5) skip(wire === 1 ? 8 : 4);
    else throw fail(`wire type ${wire}`);
    found.push({ number, value, raw: bytes.subarray(start, at) });
  }
  return found;
}

export function message(parent: Message, { number, value }: Field): Message {
  if (!(value instanceof Uint8Array)) throw broken(parent, `field ${number} that is no message`);
  if (parent.depth === maxDepth) throw broken(parent, `more than ${maxDepth} messages within each other`);
  return { bytes: value, path: parent.path, depth: parent.depth + 1 };
}

export function messages(parent: Message, number: number): Message[] {
  return fields(parent)
    .filter((field) => field.number === number)
    .map((field) => message(parent, field));
}

/** The last value of a text field; "" when there is none, as protobuf has it. */
export function text(parent: Message, number: number): string {
  return new TextDecoder().decode(messages(parent, number).at(-1)?.bytes);
}

/** The last value of a whole-number field. */
export function integer(parent: Message, number: number): number | undefined {
  const { value } = fields(parent).findLast((field) => field.number === number) ?? {};
  return typeof value === "number" ? value : undefined;
}

export const broken = ({ path }: Message, what: string) =>
  invalid(`This is no ONNX model, or a damaged one: ${what}.`, { path });

/** A field as protobuf writes it: a whole number, a text, or bytes (of a message, say). */
export function encoded(number: number, value: number | string | Uint8Array): Uint8Array {
  if (typeof value === "number") return Buffer.concat([varint(8 * number), varint(value)]);
  const bytes = typeof value === "string" ? Buffer.from(value) : value;
  return Buffer.concat([varint(8 * number + 2), varint(bytes.length), bytes]);
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  for (; value >= 128; value = Math.floor(value / 128)) bytes.push((value % 128) + 128);
  return Uint8Array.from([...bytes, value]);
}
