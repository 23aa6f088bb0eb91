import { invalid } from "../errors.js";

type Schema = { [field: number]: Schema | "tensor" };

// The messages of onnx.proto that lead to tensors, by the number of the field.
const attribute: Schema = { 5: "tensor", 10: "tensor" };
const node: Schema = { 5: attribute };
const sparse: Schema = { 1: "tensor", 2: "tensor" };
const graph: Schema = { 1: node, 5: "tensor", 15: sparse };
const training: Schema = { 1: graph, 2: graph };
const model: Schema = { 7: graph, 20: training, 25: { 7: node, 11: attribute } };
Object.assign(attribute, { 6: graph, 11: graph, 22: sparse, 23: sparse });

/** Deeper than any graph within a graph; a file that goes further is made to exhaust the stack. */
const maxDepth = 200;

/**
 * The locations of the files beside an ONNX model that hold its tensors' numbers, as they stand in it, each once.
 *
 * @throws `invalid` for bytes that are no protobuf message
 */
export function onnxExternalData(bytes: Uint8Array): string[] {
  const locations = new Set<string>();
  visit(bytes, model, locations, 0);
  return [...locations].sort();
}

function visit(bytes: Uint8Array, schema: Schema, locations: Set<string>, depth: number): void {
  if (depth > maxDepth) throw broken("graphs within graphs beyond 200 levels");
  for (const { number, value } of fields(bytes)) {
    const inner = schema[number];
    if (inner === undefined || value === undefined) continue;
    if (inner === "tensor") tensor(value, locations);
    else visit(value, inner, locations, depth + 1);
  }
}

/** TensorProto: external_data (13) is a list of keys (1) and values (2). */
function tensor(bytes: Uint8Array, locations: Set<string>): void {
  for (const { number, value } of fields(bytes)) {
    if (number !== 13 || value === undefined) continue;
    const entry = new Map<number, string>();
    for (const { number: part, value: text } of fields(value))
      if (text !== undefined) entry.set(part, Buffer.from(text).toString("utf8"));
    if (entry.get(1) === "location") locations.add(entry.get(2) ?? "");
  }
}

/** The fields of a protobuf message; those that are numbers without their value. */
function* fields(bytes: Uint8Array): Generator<{ number: number; value: Uint8Array | undefined }> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++];
      if (byte === undefined || scale > 2 ** 63) throw broken("a number that does not end");
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const number = Math.floor(tag / 8);
    const kind = tag % 8;
    let value: Uint8Array | undefined;
    if (kind === 0) varint();
    else if (kind === 1) at += 8;
    else if (kind === 5) at += 4;
    else if (kind === 2) {
      const length = varint();
      value = bytes.subarray(at, at + length);
      at += length;
    } else throw broken(`wire type ${kind}`);
    if (at > bytes.length) throw broken("a field that reaches over the end");
    yield { number, value };
  }
}

const broken = (got: string) => invalid("ONNX model", "content", { got, want: "an ONNX graph" });
