import { types } from "node:util";
import { htmlTable } from "../../../src/shared/html-table.js";
import type { MimeBundle } from "../replies.js";
import { isSignal } from "./media.js";
import { isMatrix, isTensor } from "./numbers.js";
import { columnsText, isFrame } from "./tables.js";

interface Variable {
  name: string;
  /** As TypeScript writes it. */
  type: string;
  value: unknown;
}

const columns = ["name", "type", "shape", "size"];
const typeChars = 60;
/** Objects that are looked at for the size of one variable; what has more of them gets a lower bound. */
const visited = 50_000;

/** A table of variables: name, type, shape, and how much data they hold. */
export function variablesBundle(variables: Variable[]): MimeBundle {
  const rows = variables.map(({ name, type, value }) => [name, oneLine(type), shapeOf(value), sizeOf(value)]);
  const caption = `${rows.length} variables`;
  return {
    "text/plain": columnsText([columns, ...rows]),
    "text/html": htmlTable({ columns, rows, caption }),
  };
}

function oneLine(type: string): string {
  const text = type.replace(/\s+/g, " ");
  return text.length > typeChars ? `${text.slice(0, typeChars - 1)}…` : text;
}

const product = (shape: number[]) => (shape.length > 0 ? shape.join(" × ") : "scalar");

function shapeOf(value: unknown): string {
  if (typeof value === "string") return counted(value.length, "character");
  if (typeof value !== "object" || value === null || types.isProxy(value)) return "";
  if (isTensor(value) || isFrame(value)) return product(value.shape);
  if (isMatrix(value)) return product([value.rows, value.columns]);
  if (isSignal(value))
    return `${value.samples.length}, ${(value.samples.length / value.sampleRate).toFixed(2)} s`;
  if (value instanceof DataView || value instanceof ArrayBuffer) return counted(value.byteLength, "byte");
  if (ArrayBuffer.isView(value)) return String((value as Uint8Array).length);
  if (Array.isArray(value)) return product([value.length, ...innerLength(value)]);
  if (value instanceof Map) {
    const [inner] = innerLength([...value.values()]);
    return inner === undefined ? counted(value.size, "entry") : product([value.size, inner]);
  }
  if (value instanceof Set) return counted(value.size, "entry");
  if (types.isPromise(value) || value instanceof Date || value instanceof RegExp) return "";
  return counted(Object.keys(value).length, "field");
}

/** The length that all vectors of a list have: of the items, or of their embeddings. */
function innerLength(items: unknown[]): number[] {
  const lengths = new Set<number | undefined>();
  for (const item of items) {
    const vector = (item as { embedding?: unknown } | null)?.embedding ?? item;
    const isVector = Array.isArray(vector) || (ArrayBuffer.isView(vector) && !(vector instanceof DataView));
    lengths.add(isVector ? (vector as ArrayLike<unknown>).length : undefined);
    if (lengths.size > 1) return [];
  }
  return [...lengths].filter((length) => length !== undefined);
}

function counted(count: number, noun: string): string {
  return `${count} ${count === 1 ? noun : noun.replace(/y$/, "ie")}${count === 1 ? "" : "s"}`;
}

const tensorBytes: Record<string, number> = { float32: 4, int32: 4, bool: 1, complex64: 8 };

function sizeOf(value: unknown): string {
  if (typeof value === "object" && value !== null && !types.isProxy(value)) {
    if (isTensor(value)) {
      if (value.isDisposed) return "disposed";
      return value.dtype in tensorBytes ? bytesText(value.size * tensorBytes[value.dtype]) : "";
    }
    if (isFrame(value)) return dataText(value.values);
  }
  return typeof value === "function" ? "" : dataText(value);
}

/** Bytes of the numbers, texts and arrays that can be reached from a value; the engine's own share is not counted. */
function dataText(root: unknown): string {
  const seen = new Set<object>();
  const waiting = [root];
  let bytes = 0;
  for (let value = waiting.pop(); value !== undefined || waiting.length > 0; value = waiting.pop()) {
    if (typeof value === "string") bytes += value.length;
    else if (typeof value === "number" || typeof value === "bigint") bytes += 8;
    else if (typeof value === "boolean") bytes += 1;
    if (typeof value !== "object" || value === null || seen.has(value) || types.isProxy(value)) continue;
    seen.add(value);
    if (seen.size > visited) return `≥ ${bytesText(bytes)}`;
    if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer || value instanceof SharedArrayBuffer)
      bytes += value.byteLength;
    else if (Array.isArray(value))
      for (const item of value) {
        if (typeof item === "number") bytes += 8;
        else if (item !== undefined) waiting.push(item);
      }
    else if (value instanceof Map) for (const [key, item] of value) waiting.push(key, item);
    else if (value instanceof Set) waiting.push(...value);
    // Getters are not called: they may cost time, or change something.
    else
      for (const key of Object.keys(value)) {
        const item = Object.getOwnPropertyDescriptor(value, key)?.value;
        if (item !== undefined) waiting.push(item);
      }
  }
  return bytesText(bytes);
}

function bytesText(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  let rest = bytes;
  while (rest >= 999.5 && unit < units.length - 1) {
    rest /= 1000;
    unit++;
  }
  return `${unit === 0 || rest >= 99.5 ? Math.round(rest) : rest.toPrecision(2)} ${units[unit]}`;
}
