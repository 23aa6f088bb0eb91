import { invalid, shown, unsupported } from "../errors.js";
import {
  bytesOf,
  type DType,
  decodeArray,
  dtypeOf,
  itemSize,
  type Layout,
  type NdArray,
  ndArray,
  sizeOf,
  type TypedArray,
  typeCode,
} from "./nd-array.js";

const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]; // \x93NUMPY

/** The longest header numpy itself reads (numpy.lib.format, max_header_size). */
const longestHeader = 10_000;

/** The header of a .npy file, and where the numbers begin. */
export interface NpyHeader extends Layout {
  /** Bytes before the numbers. */
  dataOffset: number;
  /** Bytes the numbers take. */
  dataLength: number;
}

/**
 * The header of a .npy file, byte for byte as `np.save` writes it, so that the rows of a matrix too large for memory can
 * be written after it one by one.
 *
 * @param dtype numpy name of the number type
 * @param shape as numpy counts it: (rows, columns), data in C order
 * @throws unsupported dtype, invalid shape
 * @see numpy.lib.format of numpy 2.4
 * @example
 * file.write(npyHeader("float32", [rows, 192]));
 * for (const row of matrix) file.write(row);
 */
export function npyHeader(dtype: DType, shape: readonly number[]): Uint8Array {
  sizeOf(shape);
  const code = typeCode(dtype);
  return headerOf(`${itemSize(code) === 1 ? "|" : "<"}${code}`, shape);
}

/**
 * The header of a .npy file of texts of at most `width` code points, which follow in UTF-32 (`npyText`).
 */
export const npyTextHeader = (width: number, count: number): Uint8Array => headerOf(`<U${width}`, [count]);

/** A text as a .npy file of texts stores it. */
export function npyText(text: string, width: number): Uint8Array {
  const bytes = Buffer.alloc(4 * width);
  let at = 0;
  for (const point of text) at = bytes.writeUInt32LE(point.codePointAt(0)!, at);
  return bytes;
}

function headerOf(descr: string, shape: readonly number[]): Uint8Array {
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
  // numpy leaves room for the first axis to grow to 21 digits in place.
  const growth = shape.length > 0 ? " ".repeat(21 - String(shape[0]).length) : "";
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${tuple}, }${growth}`;
  const before = magic.length + 4;
  const padded = `${text}${" ".repeat(64 - ((before + text.length + 1) % 64))}\n`;
  return Uint8Array.from([
    ...magic,
    1,
    0,
    padded.length & 255,
    padded.length >> 8,
    ...new TextEncoder().encode(padded),
  ]);
}

/**
 * A .npy file of numbers, byte for byte as `np.save` writes it.
 *
 * @param data the numbers in C order; a bool array is a Uint8Array of 0 and 1 with `dtype: "bool"`
 * @throws invalid when the shape and the number of values differ
 * @example
 * writeFileSync("matrix.npy", writeNpy(matrix.data, { shape: [matrix.rows, matrix.columns] }));
 */
export function writeNpy(
  data: TypedArray,
  { shape = [data.length], dtype = dtypeOf(data) }: { shape?: number[]; dtype?: DType } = {},
): Uint8Array {
  ndArray(data, shape, dtype);
  const header = npyHeader(dtype, shape);
  const out = new Uint8Array(header.length + data.byteLength);
  out.set(header);
  out.set(bytesOf(data), header.length);
  return out;
}

/**
 * Reads the header of a .npy file, so that a large file can be read in parts.
 *
 * @param bytes the beginning of the file: 10 kB are always enough
 * @throws invalid when it is not a .npy header or ends too early; unsupported for versions above 3.0 and for structures,
 * text, complex numbers and Python objects
 */
export function readNpyHeader(bytes: Uint8Array, { path }: { path?: string } = {}): NpyHeader {
  const header = layoutOf(bytes, path);
  return { ...header, dataLength: sizeOf(header.shape, path) * itemSize(header.code, path) };
}

function layoutOf(bytes: Uint8Array, path: string | undefined): Omit<NpyHeader, "dataLength"> {
  if (bytes.length < 10)
    throw invalid(`${bytes.length} bytes are no .npy file: its header has at least 10.`, {
      got: bytes.length,
      path,
    });
  if (!magic.every((byte, i) => bytes[i] === byte))
    throw invalid(
      `This is no .npy file: it begins with ${hex(bytes.subarray(0, 6))}, not with ${hex(Uint8Array.from(magic))}.`,
      { got: hex(bytes.subarray(0, 6)), path },
    );
  const [major, minor] = bytes.subarray(6, 8);
  if (major < 1 || major > 3 || minor !== 0)
    throw unsupported(`The .npy file has version ${major}.${minor}. Versions 1.0, 2.0 and 3.0 can be read.`, {
      got: `${major}.${minor}`,
      path,
    });
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = major === 1 ? 10 : 12;
  const headerLength =
    major === 1 ? view.getUint16(8, true) : bytes.length < 12 ? 0 : view.getUint32(8, true);
  if (headerLength > longestHeader)
    throw invalid(
      `The header of the .npy file claims ${headerLength} bytes. It may have at most ${longestHeader}.`,
      { got: headerLength, path },
    );
  const dataOffset = start + headerLength;
  if (bytes.length < dataOffset)
    throw invalid(
      `The .npy file is cut off: its header ends at byte ${dataOffset}, but there are ${bytes.length} bytes.`,
      { got: bytes.length, path },
    );
  const text = new TextDecoder(major === 3 ? "utf-8" : "latin1").decode(bytes.subarray(start, dataOffset));
  const { descr, fortranOrder, shape } = parseHeader(text, path);
  const [, order, code] = /^([<>=|]?)(\w+)$/.exec(descr) ?? [];
  if (code === undefined)
    throw unsupported(`The .npy file holds ${shown(descr)}, which is no number type such as <f4.`, {
      got: descr,
      path,
    });
  return { code, bigEndian: order === ">", fortranOrder, shape, dataOffset };
}

/**
 * The array in a .npy file: any number type in either byte order, C or Fortran order, versions 1.0 to 3.0.
 *
 * The numbers always come in C order; they share memory with `bytes` where that is possible.
 *
 * @throws invalid for a file that is cut off or is no .npy; unsupported for what is not an array of plain numbers
 * @see https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 * @example
 * const { data, shape } = readNpy(readFileSync("final_embeddings/similarity_matrix.npy"));
 */
export function readNpy(bytes: Uint8Array, { path }: { path?: string } = {}): NdArray {
  const header = readNpyHeader(bytes, { path });
  return decodeArray(bytes.subarray(header.dataOffset), header, path);
}

/**
 * The texts in a .npy file of one axis of text (`<U12`, `S12`).
 *
 * @throws invalid for a file that is cut off, of another shape, or with text that is not Unicode; unsupported for what is not text
 */
export function readNpyText(bytes: Uint8Array, { path }: { path?: string } = {}): string[] {
  const { code, bigEndian, shape, dataOffset } = layoutOf(bytes, path);
  const [, kind, width] = /^([US])(\d+)$/.exec(code) ?? [];
  if (kind === undefined)
    throw unsupported(
      `The array is of type ${code}, where text is expected. Save it as numpy text: np.array(keys, dtype=str).`,
      { got: code, path },
    );
  const size = Number(width) * (kind === "U" ? 4 : 1);
  const count = sizeOf(shape, path);
  if (shape.length !== 1 || bytes.length !== dataOffset + count * size)
    throw invalid(`The text has a shape of (${shape.join(", ")}) and ${bytes.length - dataOffset} bytes.`, {
      path,
    });
  const view = new DataView(bytes.buffer, bytes.byteOffset + dataOffset, count * size);
  return Array.from({ length: count }, (_, row) => {
    const start = row * size;
    if (kind === "S")
      return new TextDecoder()
        .decode(bytes.subarray(dataOffset + start, dataOffset + start + size))
        .replace(/\0+$/, "");
    const points = Array.from({ length: size / 4 }, (_, at) => view.getUint32(start + 4 * at, !bigEndian));
    if (points.some((point) => point > 0x10ffff))
      throw invalid(`Text ${row} has characters that are not Unicode.`, { path });
    return String.fromCodePoint(...points).replace(/\0+$/, "");
  });
}

/** The header is the text of a Python dict with exactly these three keys. */
function parseHeader(text: string, path: string | undefined) {
  const keys = [...text.matchAll(/'(\w+)'\s*:/g)].map(([, key]) => key).sort();
  const descr = /'descr'\s*:\s*'([^']*)'\s*[,}]/.exec(text)?.[1];
  const order = /'fortran_order'\s*:\s*(True|False)\s*[,}]/.exec(text)?.[1];
  const tuple = /'shape'\s*:\s*\(([\dL,\s]*)\)\s*[,}]/.exec(text)?.[1];
  if (/'descr'\s*:\s*\[/.test(text))
    throw unsupported(`The .npy file holds a structure, not numbers of one type: ${shown(text.trim())}.`, {
      got: text.trim(),
      path,
    });
  if (String(keys) !== "descr,fortran_order,shape" || descr === undefined || !order || tuple === undefined)
    throw invalid(
      `The header of the .npy file is ${shown(text.trim())}. It must be a dict of descr, fortran_order and shape.`,
      { got: text.trim(), path },
    );
  // Python 2 wrote 10L for a long integer.
  const shape = tuple.split(",").flatMap((n) => (n.trim() ? [Number(n.replace("L", ""))] : []));
  return { descr, fortranOrder: order === "True", shape };
}

const hex = (bytes: Uint8Array) => [...bytes].map((b) => b.toString(16).padStart(2, "0")).join(" ");
