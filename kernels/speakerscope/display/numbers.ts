import { shortNumber } from "../../../src/shared/cell-text.js";
import type { MimeBundle } from "../replies.js";

type Numbers = ArrayLike<number> & { constructor: { name: string } };

/** numpy's name for the numbers of a typed array, by its class; "" for another class. */
function dtypeOf(kind: string): string {
  if (kind === "Buffer") return "uint8";
  return (/^((?:Float|Uint|Int)\d+)(?:Clamped)?Array$/.exec(kind)?.[1] ?? "").toLowerCase();
}

/** Shorter arrays are easier to read as they are. */
const readable = 12;
const edge = 4;

export function isLongNumbers(value: object): value is Numbers {
  return (
    ArrayBuffer.isView(value) &&
    dtypeOf(value.constructor.name) !== "" &&
    (value as unknown as Numbers).length > readable
  );
}

/** Rows and columns over one array, as this package's toolkit keeps embeddings. */
export function isMatrix(value: object): value is { data: Numbers; rows: number; columns: number } {
  const { data, rows, columns } = value as Record<string, unknown>;
  return (
    typeof rows === "number" &&
    typeof columns === "number" &&
    ArrayBuffer.isView(data) &&
    (data as unknown as Numbers).length === rows * columns
  );
}

interface Tensor {
  shape: number[];
  dtype: string;
  size: number;
  isDisposed: boolean;
  data(): Promise<ArrayLike<number>>;
}

/** A tfjs tensor of any backend and any copy of tfjs. */
export function isTensor(value: object): value is Tensor {
  const tensor = value as Record<string, unknown>;
  return (
    Array.isArray(tensor.shape) &&
    typeof tensor.dtype === "string" &&
    "dataId" in value &&
    typeof tensor.data === "function"
  );
}

export async function tensorBundle(tensor: Tensor): Promise<MimeBundle> {
  const name = `Tensor (${tensor.shape.join(", ")}) ${tensor.dtype}`;
  if (tensor.isDisposed) return { "text/plain": `${name}, disposed` };
  if (tensor.dtype === "string" || tensor.dtype === "complex64") return { "text/plain": name };
  return { "text/plain": describe(name, await tensor.data()) };
}

export function numbersBundle(data: Numbers, shape: number[] = [data.length]): MimeBundle {
  const kind = data.constructor.name;
  return { "text/plain": describe(`${kind} (${shape.join(", ")}) ${dtypeOf(kind)}`.trimEnd(), data) };
}

/** Extremes, mean, population standard deviation and norm, and the first and last values, instead of a wall of numbers. */
function describe(title: string, data: ArrayLike<number>): string {
  let min = Infinity;
  let max = -Infinity;
  let sum = 0;
  let finite = 0;
  for (let i = 0; i < data.length; i++) {
    const v = data[i];
    if (!Number.isFinite(v)) continue;
    if (v < min) min = v;
    if (v > max) max = v;
    sum += v;
    finite++;
  }
  const mean = sum / finite;
  let squares = 0;
  for (let i = 0; i < data.length; i++) if (Number.isFinite(data[i])) squares += (data[i] - mean) ** 2;
  // Of the sum of squares about the mean, so that it is as exact.
  const norm = Math.sqrt(squares + finite * mean ** 2);
  const lines = [title];
  if (finite > 0) {
    const std = Math.sqrt(squares / finite);
    const facts = { min, mean, max, std, ...(finite === data.length && { norm }) };
    lines.push(
      Object.entries(facts)
        .map(([name, v]) => `${name} ${shortNumber(v)}`)
        .join("  "),
    );
  }
  if (finite < data.length) lines.push(`${data.length - finite} not finite`);
  const at = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, i) => shortNumber(data[from + i])).join(", ");
  lines.push(
    data.length > 2 * edge
      ? `[${at(0, edge)}, …, ${at(data.length - edge, data.length)}]`
      : `[${at(0, data.length)}]`,
  );
  return lines.join("\n");
}
