import { invalid, shown, unsupported } from "../errors.js";

const constructors = {
  bool: Uint8Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  float32: Float32Array,
  float64: Float64Array,
};

/** A number type by its numpy name. */
export type DType = keyof typeof constructors;

export type TypedArray =
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array
  | Float32Array
  | Float64Array;

/** A numpy array: `data` in C order (the last axis runs fastest), one number for an empty `shape`. */
export interface NdArray {
  /** int64 and uint64 are bigints; bool is 0 or 1. */
  data: TypedArray;
  shape: number[];
  dtype: DType;
}

/** numpy's type code and the numbers that hold it. float16 is widened to float32, which holds all its values. */
const codes: Record<string, DType | "float16"> = {
  b1: "bool",
  i1: "int8",
  u1: "uint8",
  i2: "int16",
  u2: "uint16",
  i4: "int32",
  u4: "uint32",
  i8: "int64",
  u8: "uint64",
  f2: "float16",
  f4: "float32",
  f8: "float64",
};

const codeOf = Object.fromEntries(Object.entries(codes).map(([code, dtype]) => [dtype, code]));

/** `f4` for float32. */
export function typeCode(dtype: DType): string {
  const code = codeOf[dtype];
  if (code === undefined || dtype === ("float16" as DType))
    throw unsupported(
      `Arrays of ${dtype} cannot be written. The types are ${Object.keys(constructors).join(", ")}.`,
      { got: dtype },
    );
  return code;
}

/** The numpy name for the type of a typed array: Float32Array is float32, Uint8Array is uint8. */
export function dtypeOf(data: ArrayBufferView): DType {
  for (const dtype of Object.keys(constructors) as DType[])
    if (dtype !== "bool" && data instanceof constructors[dtype]) return dtype;
  throw unsupported(
    `A ${data.constructor.name} has no number type in numpy. The types are ${Object.keys(constructors).join(", ")}.`,
    { got: data.constructor.name },
  );
}

/** Whether a value is a typed array with a shape, which only an NdArray has. */
export function isNdArray(value: object): value is { data: TypedArray; shape: number[]; dtype?: DType } {
  const { data, shape } = value as Partial<NdArray>;
  return ArrayBuffer.isView(data) && Array.isArray(shape);
}

/** How many numbers an array of this shape holds. */
export function sizeOf(shape: readonly number[], path?: string): number {
  if (shape.length > 64)
    throw invalid(`The array has ${shape.length} axes. numpy has at most 64.`, { got: shape.length, path });
  // A shape from a file can hold items of any type, so check them before multiplying.
  const size = shape.every((n) => Number.isSafeInteger(n) && n >= 0)
    ? shape.reduce((product, n) => product * n, 1)
    : Number.NaN;
  if (!Number.isSafeInteger(size))
    throw invalid(
      `The shape of the array is ${shown(shape)}. It must be whole numbers, not negative, and their product below 2^53.`,
      { got: shape, path },
    );
  return size;
}

/** Checks that data and shape agree and gives the complete array. */
export function ndArray(data: TypedArray, shape: number[], dtype: DType = dtypeOf(data)): NdArray {
  if (!(data instanceof constructors[dtype]))
    throw invalid(
      `The data of an array of ${dtype} is a ${data.constructor.name}. It must be a ${constructors[dtype].name}.`,
      { got: data.constructor.name },
    );
  const size = sizeOf(shape);
  if (size !== data.length)
    throw invalid(
      `An array of shape (${shape.join(", ")}) has ${data.length} numbers. It must have ${size}.`,
      { got: data.length },
    );
  return { data, shape, dtype };
}

/** The bytes of an array, little-endian as every machine that Node runs this on. */
export function bytesOf(data: ArrayBufferView): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** How a file stores the numbers of an array. */
export interface Layout {
  /** numpy's type code without the byte order: `f4`. */
  code: string;
  bigEndian: boolean;
  fortranOrder: boolean;
  shape: number[];
}

/** Bytes a number takes, or an error for a type that is not a plain number. */
export function itemSize(code: string, path?: string): number {
  if (!Object.hasOwn(codes, code))
    throw unsupported(
      `The number type ${shown(code)} cannot be read. The types are ${Object.keys(codes).join(", ")}.`,
      { got: code, path },
    );
  return Number(code.slice(1));
}

/**
 * Converts the numbers of a file to C order and this machine's byte order.
 *
 * Shares memory with `bytes` where nothing has to change and the bytes are aligned.
 *
 * @throws invalid when there are not exactly as many bytes as the shape takes.
 */
export function decodeArray(bytes: Uint8Array, layout: Layout, path?: string): NdArray {
  const { code, bigEndian, fortranOrder, shape } = layout;
  const width = itemSize(code, path);
  const size = sizeOf(shape, path);
  if (bytes.length !== size * width)
    throw invalid(
      `The array of shape (${shape.join(", ")}) has ${bytes.length} bytes of data. It must have ${size * width}.`,
      { got: bytes.length, path },
    );
  const swapped = bigEndian && width > 1;
  const aligned = bytes.byteOffset % width === 0 && !swapped ? bytes : new Uint8Array(bytes);
  if (swapped) swapBytes(aligned, width);
  const stored = codes[code];
  const dtype = stored === "float16" ? "float32" : stored;
  const numbers =
    stored === "float16"
      ? widenHalf(new Uint16Array(aligned.buffer, aligned.byteOffset, size))
      : new constructors[stored](aligned.buffer as ArrayBuffer, aligned.byteOffset, size);
  const data = fortranOrder && shape.length > 1 ? gather(numbers, shape, stridesOf(shape)) : numbers;
  return { data, shape, dtype };
}

function swapBytes(bytes: Uint8Array, width: number): void {
  for (let i = 0; i < bytes.length; i += width) bytes.subarray(i, i + width).reverse();
}

/** The array with its axes in another order, as numpy's `transpose(axes)`: axis i of the result is axis `axes[i]`. */
export function transpose({ data, shape, dtype }: NdArray, axes: readonly number[]): NdArray {
  const strides = stridesOf([...shape].reverse()).reverse();
  const turned = axes.map((axis) => shape[axis]);
  return {
    data: gather(
      data,
      turned,
      axes.map((axis) => strides[axis]),
    ),
    shape: turned,
    dtype,
  };
}

/** The distance between neighbours along each axis, where the first axis runs fastest. */
function stridesOf(shape: readonly number[]): number[] {
  let stride = 1;
  return shape.map((n) => {
    const own = stride;
    stride *= n;
    return own;
  });
}

/** The numbers of an array in C order, from where they lie that far apart along each axis. */
function gather<T extends TypedArray>(data: T, shape: readonly number[], strides: readonly number[]): T {
  const out = data.slice() as T;
  const index = new Array<number>(shape.length).fill(0);
  for (let at = 0, from = 0; at < out.length; at++) {
    out[at] = data[from];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis];
      if (++index[axis] < shape[axis]) break;
      from -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return out;
}

/** IEEE 754 binary16: 1 sign bit, 5 of exponent, 10 of fraction. */
function widenHalf(halves: Uint16Array): Float32Array {
  return Float32Array.from(halves, (half) => {
    const sign = half & 0x8000 ? -1 : 1;
    const exponent = (half >> 10) & 31;
    const fraction = half & 1023;
    if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
    return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : (2 ** -14 * fraction) / 1024);
  });
}
