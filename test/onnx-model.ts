/** A tensor with its numbers. */
export interface OnnxTensor {
  data: Float32Array | BigInt64Array;
  shape: readonly number[];
}

export type OnnxAttribute = number | string | readonly number[] | { float: number };

export interface OnnxNode {
  op: string;
  inputs: readonly string[];
  outputs: readonly string[];
  /** A number or list of numbers is written as integers, `{float}` as a float, a string as a string. */
  attributes?: Readonly<Record<string, OnnxAttribute>>;
}

export interface OnnxGraph {
  name: string;
  /** Float32 inputs; a string names a free dimension. */
  inputs: Readonly<Record<string, readonly (number | string)[]>>;
  outputs: Readonly<Record<string, readonly (number | string)[]>>;
  nodes: readonly OnnxNode[];
  initializers?: Readonly<Record<string, OnnxTensor>>;
  /** Operator set version. */
  opset?: number;
  /** Inputs that are int64 instead. */
  int64?: readonly string[];
  /** What an exporter noted. */
  metadata?: Readonly<Record<string, string>>;
}

/**
 * The bytes of an ONNX model (protobuf, onnx.proto IR version 8) for a graph described as plain data.
 *
 * Tests write their small graphs with it.
 *
 * @example
 * onnxModel({
 *   name: "twice",
 *   inputs: { x: ["n"] }, outputs: { y: ["n"] },
 *   nodes: [{ op: "Add", inputs: ["x", "x"], outputs: ["y"] }],
 * })
 */
export function onnxModel({
  name,
  inputs,
  outputs,
  nodes,
  initializers = {},
  opset = 17,
  int64 = [],
  metadata = {},
}: OnnxGraph): Uint8Array {
  const graph = message([
    ...nodes.map((node) => field(1, nodeProto(node))),
    field(2, name),
    ...Object.entries(initializers).map(([key, tensor]) => field(5, tensorProto(key, tensor))),
    ...Object.entries(inputs).map(([key, shape]) =>
      field(11, valueInfo(key, shape, int64.includes(key) ? INT64 : FLOAT)),
    ),
    ...Object.entries(outputs).map(([key, shape]) => field(12, valueInfo(key, shape))),
  ]);
  return message([
    field(1, 8),
    field(2, "speakerscope"),
    field(7, graph),
    field(8, message([field(1, ""), field(2, opset)])),
    ...Object.entries(metadata).map(([key, value]) => field(14, message([field(1, key), field(2, value)]))),
  ]);
}

const FLOAT = 1;
const INT64 = 7;

function nodeProto({ op, inputs, outputs, attributes = {} }: OnnxNode): Uint8Array {
  return message([
    ...inputs.map((input) => field(1, input)),
    ...outputs.map((output) => field(2, output)),
    field(4, op),
    ...Object.entries(attributes).map(([name, value]) => field(5, attributeProto(name, value))),
  ]);
}

function attributeProto(name: string, value: OnnxAttribute): Uint8Array {
  if (typeof value === "number") return message([field(1, name), field(3, value), field(20, 2)]);
  if (typeof value === "string") return message([field(1, name), field(4, value), field(20, 3)]);
  if ("float" in value) return message([field(1, name), float32Field(2, value.float), field(20, 1)]);
  return message([field(1, name), ...value.map((v) => field(8, v)), field(20, 7)]);
}

function tensorProto(name: string, { data, shape }: OnnxTensor): Uint8Array {
  return message([
    ...shape.map((n) => field(1, n)),
    field(2, data instanceof Float32Array ? FLOAT : INT64),
    field(8, name),
    field(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
  ]);
}

function valueInfo(name: string, shape: readonly (number | string)[], type = FLOAT): Uint8Array {
  const dims = shape.map((n) => field(1, message([typeof n === "number" ? field(1, n) : field(2, n)])));
  const tensorType = message([field(1, type), field(2, message(dims))]);
  return message([field(1, name), field(2, message([field(1, tensorType)]))]);
}

/** One protobuf field: a number as a varint, text and bytes length-delimited. */
export function field(number: number, value: number | string | Uint8Array): Uint8Array {
  if (typeof value === "number") return message([varint(number << 3), varint(value)]);
  const bytes = typeof value === "string" ? new TextEncoder().encode(value) : value;
  return message([varint((number << 3) | 2), varint(bytes.length), bytes]);
}

function float32Field(number: number, value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setFloat32(0, value, true);
  return message([varint((number << 3) | 5), bytes]);
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    bytes.push(rest > 0n ? low | 0x80 : low);
  } while (rest > 0n);
  return Uint8Array.from(bytes);
}

export function message(parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(parts);
}
