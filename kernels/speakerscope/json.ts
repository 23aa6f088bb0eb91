// A cell may replace JSON.
const { stringify } = JSON;

/** JSON of anything a chart or table may hold: typed arrays become arrays, big integers numbers or text. */
export function toJson(value: unknown): string {
  return stringify(value, (_key, item) => {
    if (typeof item === "bigint") return Number.isSafeInteger(Number(item)) ? Number(item) : String(item);
    if (ArrayBuffer.isView(item) && !(item instanceof DataView)) return Array.from(item as Float64Array);
    return item;
  });
}

/** A MIME bundle as it goes over the wire: bytes in base64, everything else as it is. */
export function encodeBundle(bundle: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(bundle)
      .filter(([, data]) => data !== undefined && data !== null)
      .map(([mime, data]) => [mime, encodeData(data)]),
  );
}

function encodeData(data: unknown): unknown {
  if (data instanceof ArrayBuffer) return Buffer.from(data).toString("base64");
  if (data instanceof Uint8Array)
    return Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("base64");
  return data;
}
