import { broken, fields, integer, type Message, message, messages, text } from "./protobuf.js";

/** What an ONNX file says of its model, without the weights. */
export interface OnnxModel {
  /** `metadata_props`: what an exporter noted, every value a string. */
  metadata: Map<string, string>;
  /** What the caller must feed; weights that older exporters list as inputs are left out. */
  inputs: OnnxValue[];
  outputs: OnnxValue[];
  /** Tensors whose numbers lie in other files. */
  externalData: ExternalTensor[];
}

export interface OnnxValue {
  name: string;
  /** `float32`, `int64`, ... as sessions call them; undefined for what is no tensor, or of a type unknown here. */
  type: string | undefined;
  /** A string is a named free axis, undefined an unnamed one; no shape at all where the file gives none. */
  shape: (number | string | undefined)[] | undefined;
}

export interface ExternalTensor {
  name: string;
  /** Path of the file, relative to the model's folder; as it stands in the file, so check it before it is opened. */
  location: string;
  /** Where in that file the numbers begin, in bytes. */
  offset: number;
  /** Bytes; undefined when they go on to the end of the file. */
  length: number | undefined;
}

/**
 * Reads names, shapes, metadata and the places of external data from the bytes of an ONNX file.
 *
 * Weights are skipped, so it takes milliseconds for hundreds of megabytes. Lengths are believed only as far as there are
 * bytes, and the depth of nesting is bounded.
 *
 * Source: onnx.proto3 of ONNX 1.19 (IR version 12).
 *
 * @param path for error messages
 * @throws `invalid` for what is not protobuf, has no graph, or is cut off
 * @example
 * readOnnx(readFileSync("model.onnx")).metadata.get("sample_rate")
 */
export function readOnnx(bytes: Uint8Array, path?: string): OnnxModel {
  const file: Message = { bytes, path, depth: 0 };
  const graphs = messages(file, 7);
  if (graphs.length === 0) throw broken(file, "no graph");
  const graphParts = (number: number) => graphs.flatMap((graph) => messages(graph, number));
  const inputs = graphParts(11).map(readValue);
  // A single input is no weight; the names of all weights take a while to read.
  const weights = new Set(inputs.length > 1 ? graphParts(5).map((tensor) => text(tensor, 8)) : []);
  // Walking every node takes 30 ms in a program that has just started. Few models have external data, and those that do
  // hold this key.
  const hasLocations = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes("location");
  return {
    metadata: entries(messages(file, 14)),
    inputs: inputs.filter(({ name }) => !weights.has(name)),
    outputs: graphParts(12).map(readValue),
    externalData: hasLocations ? externalTensors(file, "model") : [],
  };
}

function readValue(value: Message): OnnxValue {
  const [tensor] = messages(value, 2).flatMap((type) => messages(type, 1));
  const [shape] = tensor === undefined ? [] : messages(tensor, 2);
  return {
    name: text(value, 1),
    type: tensor === undefined ? undefined : elementTypes[integer(tensor, 1) ?? 0],
    shape: shape && messages(shape, 1).map(axisOf),
  };
}

/** A negative length, which some exporters write, is a free axis without a name. */
function axisOf(axis: Message): number | string | undefined {
  const length = integer(axis, 1);
  return Number.isSafeInteger(length) ? length : text(axis, 2) || undefined;
}

/** TensorProto.DataType, by number. */
const elementTypes: readonly (string | undefined)[] = [
  ...[undefined, "float32", "uint8", "int8", "uint16", "int16", "int32", "int64", "string", "bool"],
  ...["float16", "float64", "uint32", "uint64", "complex64", "complex128", "bfloat16"],
];

/** Which fields of each kind of message lead to tensors. */
const nested = {
  model: { 7: "graph", 20: "training", 25: "function" },
  training: { 1: "graph", 2: "graph" },
  function: { 7: "node", 11: "attribute" },
  graph: { 1: "node", 5: "tensor", 15: "sparse" },
  node: { 5: "attribute" },
  attribute: { 5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse" },
  sparse: { 1: "tensor", 2: "tensor" },
} as const;
type Kind = keyof typeof nested | "tensor";

function externalTensors(parent: Message, kind: Kind): ExternalTensor[] {
  if (kind === "tensor") return integer(parent, 14) === 1 ? [readExternal(parent)] : [];
  const kinds: { readonly [field: number]: Kind } = nested[kind];
  return fields(parent)
    .filter(({ number }) => number in kinds)
    .flatMap((field) => externalTensors(message(parent, field), kinds[field.number]!));
}

function readExternal(tensor: Message): ExternalTensor {
  const name = text(tensor, 8);
  const data = entries(messages(tensor, 13));
  const location = data.get("location");
  if (location === undefined) throw broken(tensor, `external data of tensor "${name}" without a location`);
  const bytes = (key: string) => {
    const value = data.get(key);
    if (value === undefined) return undefined;
    if (!/^\d{1,15}$/.test(value)) throw broken(tensor, `${key} "${value}" of tensor "${name}"`);
    return Number(value);
  };
  return { name, location, offset: bytes("offset") ?? 0, length: bytes("length") };
}

/** Pairs of key and value, as metadata and external data are kept. */
function entries(pairs: readonly Message[]): Map<string, string> {
  return new Map(pairs.map((pair) => [text(pair, 1), text(pair, 2)]));
}

/** Whether the bytes are a model in ONNX Runtime's own format, which has no files beside it. */
export const isRuntimeFormat = (bytes: Uint8Array): boolean =>
  Buffer.from(bytes.subarray(4, 8)).toString("latin1") === "ORTM";
