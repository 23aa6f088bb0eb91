import { encoded, fields, integer, type Message, message, messages, text } from "./protobuf.js";

/**
 * An ONNX model with its convolutions as matrix products, which give the same numbers up to rounding; undefined where there
 * is none to replace.
 *
 * ONNX Runtime's CUDA provider (since 1.20) plans a convolution anew whenever its input has another shape than last time,
 * 12 ms each: 2.7 s for the 225 of CAM++, for every utterance of another length than the one before. A product needs no plan.
 *
 * A convolution becomes: pad, take a slice for every place of the kernel, put the slices one behind the other as channels,
 * multiply by the weights, add the bias. Grouped convolutions, those with an automatic padding, and those in subgraphs
 * stay as they are.
 *
 * @param bytes of an .onnx file without external data
 */
export function withoutConvolutions(bytes: Uint8Array): Uint8Array | undefined {
  const file: Message = { bytes, path: undefined, depth: 0 };
  const opset = messages(file, 8).find((set) => ["", "ai.onnx"].includes(text(set, 1)));
  // Pad and Slice have taken their numbers as inputs since 13 at the latest.
  if (opset === undefined || (integer(opset, 2) ?? 0) < 13) return undefined;
  let replaced = 0;
  const parts = fields(file).map((field) => {
    if (field.number !== 7) return field.raw;
    const graph = fields(message(file, field));
    const inner = graph.flatMap((part) => {
      const convolution = part.number === 1 ? readConvolution(message(file, part)) : undefined;
      if (convolution === undefined) return [part.raw];
      return products(convolution, `speakerscope/${replaced++}`);
    });
    return encoded(7, Buffer.concat(inner));
  });
  return replaced === 0 ? undefined : Buffer.concat(parts);
}

interface Convolution {
  input: string;
  weights: string;
  bias: string | undefined;
  output: string;
  /** Along time alone, or along two axes. */
  kernel: readonly number[];
  strides: readonly number[];
  dilations: readonly number[];
  /** In front of each axis, then behind each. */
  pads: readonly number[];
}

function readConvolution(node: Message): Convolution | undefined {
  if (text(node, 4) !== "Conv" || !["", "ai.onnx"].includes(text(node, 7))) return undefined;
  const attributes = new Map(messages(node, 5).map((attribute) => [text(attribute, 1), attribute]));
  const integers = (name: string) => {
    const attribute = attributes.get(name);
    return attribute && wholeNumbers(attribute, 8);
  };
  const [input, weights, bias] = messages(node, 1).map(({ bytes }) => new TextDecoder().decode(bytes));
  const kernel = integers("kernel_shape");
  const group = attributes.get("group");
  const padding = attributes.get("auto_pad");
  if (kernel === undefined || kernel.length < 1 || kernel.length > 2) return undefined;
  if (group !== undefined && integer(group, 3) !== 1) return undefined;
  if (padding !== undefined && !["", "NOTSET"].includes(text(padding, 4))) return undefined;
  const strides = integers("strides") ?? kernel.map(() => 1);
  const dilations = integers("dilations") ?? kernel.map(() => 1);
  const pads = integers("pads") ?? kernel.flatMap(() => [0, 0]);
  // A negative number, which cuts instead of padding, reads as one that is far too large.
  if ([...kernel, ...strides, ...dilations, ...pads].some((number) => number >= farBehind)) return undefined;
  const output = text(node, 2);
  return {
    ...{ input: input!, weights: weights!, bias: bias || undefined, output },
    ...{ kernel, strides, dilations, pads },
  };
}

/** A repeated field of whole numbers, packed into one field or not. */
function wholeNumbers(parent: Message, number: number): number[] {
  return fields(parent)
    .filter((field) => field.number === number)
    .flatMap(({ value }) => {
      if (!(value instanceof Uint8Array)) return [value ?? 0];
      const numbers: number[] = [];
      for (let at = 0; at < value.length; ) {
        let one = 0;
        for (let power = 0; ; power++) {
          const byte = value[at++] ?? 0;
          one += (byte & 127) * 128 ** power;
          if (byte < 128) break;
        }
        numbers.push(one);
      }
      return numbers;
    });
}

/** The nodes and constants, as fields of a graph, that give what the convolution does. */
function products(convolution: Convolution, name: string): Uint8Array[] {
  const { input, weights, bias, output, kernel, strides, dilations, pads } = convolution;
  const parts: Uint8Array[] = [];
  let count = 0;
  const node = (
    op: string,
    inputs: readonly string[],
    attributes: Attributes = {},
    to = `${name}/${count++}`,
  ) => {
    parts.push(encoded(1, nodeOf(op, inputs, to, attributes)));
    return to;
  };
  const constant = (numbers: readonly number[]) => {
    const to = `${name}/${count++}`;
    parts.push(encoded(5, constantOf(to, numbers)));
    return to;
  };
  const axes = kernel.map((_, axis) => axis + 2);
  const padded = pads.some((pad) => pad > 0)
    ? node("Pad", [input, constant([0, 0, ...pads.slice(0, axes.length), 0, 0, ...pads.slice(axes.length)])])
    : input;
  const isPlain = strides.every((stride) => stride === 1) && kernel.every((size) => size === 1);
  const slices = isPlain
    ? [padded]
    : placesOf(kernel).map((place) => {
        const starts = place.map((at, axis) => at * dilations[axis]!);
        // Counted from the end; the last place goes on to the end itself.
        const ends = place.map((at, axis) => (at + 1 - kernel[axis]!) * dilations[axis]! || farBehind);
        return node("Slice", [padded, ...[starts, ends, axes, strides].map(constant)]);
      });
  const columns = slices.length === 1 ? slices[0]! : node("Concat", slices, { axis: 1 });
  // Weights have the output's channel, the input's, then the kernel's places: the input's channel goes last.
  const order = [0, ...axes, 1];
  const rows = slices.length === 1 ? weights : node("Transpose", [weights], { perm: order });
  const matrix = node("Reshape", [rows, constant([0, -1])]);
  const isLine = axes.length === 1;
  const flat = isLine ? columns : node("Reshape", [columns, constant([0, 0, -1])]);
  const isLast = isLine && bias === undefined;
  let result = node("MatMul", [matrix, flat], {}, isLast ? output : undefined);
  if (bias !== undefined)
    result = node(
      "Add",
      [result, node("Reshape", [bias, constant([-1, 1])])],
      {},
      isLine ? output : undefined,
    );
  if (!isLine) {
    const shape = node("Shape", [columns]);
    const sides = node("Slice", [shape, constant([2]), constant([4])]);
    const target = node("Concat", [constant([0, 0]), sides], { axis: 0 });
    node("Reshape", [result, target], {}, output);
  }
  return parts;
}

const farBehind = 2 ** 31 - 1;

/** Every place of a kernel, the last axis fastest. */
function placesOf(kernel: readonly number[]): number[][] {
  return kernel.reduce<number[][]>(
    (places, size) => places.flatMap((place) => Array.from({ length: size }, (_, at) => [...place, at])),
    [[]],
  );
}

type Attributes = Readonly<Record<string, number | readonly number[]>>;

function nodeOf(op: string, inputs: readonly string[], output: string, attributes: Attributes): Uint8Array {
  return Buffer.concat([
    ...inputs.map((input) => encoded(1, input)),
    encoded(2, output),
    encoded(3, output),
    encoded(4, op),
    ...Object.entries(attributes).map(([name, value]) =>
      encoded(
        5,
        Buffer.concat(
          typeof value === "number"
            ? [encoded(1, name), encoded(3, value), encoded(20, 2)]
            : [encoded(1, name), ...value.map((one) => encoded(8, one)), encoded(20, 7)],
        ),
      ),
    ),
  ]);
}

/** A list of int64. */
function constantOf(name: string, numbers: readonly number[]): Uint8Array {
  const raw = BigInt64Array.from(numbers, BigInt);
  return Buffer.concat([
    encoded(1, numbers.length),
    encoded(2, 7),
    encoded(8, name),
    encoded(9, new Uint8Array(raw.buffer)),
  ]);
}
