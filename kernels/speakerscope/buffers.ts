/** Bytes in a tree of values, as the Jupyter protocol sends them: beside the JSON, each with its path in it. */
export interface Packed {
  /** The tree without its bytes. */
  state: Record<string, unknown>;
  paths: (string | number)[][];
  buffers: Uint8Array[];
}

/** Takes typed arrays, DataViews and ArrayBuffers out of a tree, and refuses what JSON would lose without a word. */
export function packBuffers(state: Record<string, unknown>): Packed {
  const paths: Packed["paths"] = [];
  const buffers: Uint8Array[] = [];
  const above: unknown[] = [];
  const left = Symbol();

  function visit(given: unknown, path: (string | number)[]): unknown {
    if (typeof given === "function" || typeof given === "symbol" || typeof given === "bigint")
      throw new TypeError(`A widget cannot send a ${typeof given} (${path.join(".")}): JSON has none.`);
    if (typeof given !== "object" || given === null) return given;
    if (isBytes(given)) {
      paths.push(path);
      buffers.push(copyOf(given));
      return left;
    }
    if (above.includes(given)) throw new TypeError(`A widget cannot send a circle (${path.join(".")}).`);
    const { toJSON } = given as { toJSON?: unknown };
    if (typeof toJSON === "function") return visit(toJSON.call(given), path);
    if (given instanceof Map || given instanceof Set)
      throw new TypeError(
        `A widget cannot send a ${given.constructor.name} (${path.join(".")}). Make it an array or an object.`,
      );
    above.push(given);
    const packed = Array.isArray(given)
      ? given.map((item, i) => visit(item, [...path, i])).map((item) => (item === left ? null : item))
      : Object.fromEntries(
          Object.entries(given)
            .map(([key, item]) => [key, visit(item, [...path, key])])
            .filter(([, item]) => item !== left),
        );
    above.pop();
    return packed;
  }

  return { state: visit(state, []) as Record<string, unknown>, paths, buffers };
}

/** Puts bytes back where a message says that they belong. */
export function unpackBuffers(
  state: Record<string, unknown>,
  paths: unknown,
  buffers: Uint8Array[],
): Record<string, unknown> {
  const list = Array.isArray(paths) ? paths : [];
  if (list.length > buffers.length)
    throw new Error(`It names ${list.length} buffers and has ${buffers.length}.`);
  for (const [i, path] of list.entries()) {
    if (!Array.isArray(path) || path.length === 0) throw new Error("The path of a buffer is no list.");
    let place: unknown = state;
    for (const key of path.slice(0, -1)) place = ownValue(place, key);
    if (typeof place !== "object" || place === null)
      throw new Error(`The path of a buffer leads nowhere (${path.join(".")}).`);
    Object.defineProperty(place, path.at(-1), {
      value: buffers[i],
      writable: true,
      enumerable: true,
      configurable: true,
    });
  }
  return state;
}

const ownValue = (place: unknown, key: PropertyKey): unknown =>
  typeof place === "object" && place !== null && Object.hasOwn(place, key)
    ? (place as Record<PropertyKey, unknown>)[key]
    : undefined;

type Bytes = ArrayBufferView | ArrayBuffer | SharedArrayBuffer;

const isBytes = (value: object): value is Bytes =>
  ArrayBuffer.isView(value) || value instanceof ArrayBuffer || value instanceof SharedArrayBuffer;

/** Between threads a view travels with the whole buffer that it is a part of, so only its own bytes are taken. */
export function copyOf(bytes: Bytes): Uint8Array {
  return ArrayBuffer.isView(bytes)
    ? new Uint8Array(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength))
    : new Uint8Array(new Uint8Array(bytes));
}
