import type { FileMetaData } from "hyparquet" with { "resolution-mode": "import" };
import { children } from "./parquet-schema.js";

type Json = Record<string, unknown>;

/** Decimal digits that every float64 holds. */
const floatDigits = 15;

/**
 * Columns of decimals with more digits than a float64 holds, as data bases export whole numbers: read as they are stored, so
 * that two ids do not become one.
 *
 * @returns the metadata to read with, and what makes the values of a row of it
 */
export function exactDecimals(metadata: FileMetaData): {
  stored: FileMetaData;
  exact: (row: Json) => Json;
} {
  const { schema } = metadata;
  const places = children(schema, 0).filter((index) => {
    const { converted_type: type, precision = 0 } = schema[index]!;
    return type === "DECIMAL" && precision > floatDigits;
  });
  if (places.length === 0) return { stored: metadata, exact: (row) => row };
  const scales = places.map((index) => [schema[index]!.name, schema[index]!.scale ?? 0] as const);
  const stored = schema.map((element, index) => {
    if (!places.includes(index)) return element;
    const { converted_type: _, logical_type: __, ...rest } = element;
    return rest;
  });
  return {
    stored: { ...metadata, schema: stored },
    exact: (row) => ({
      ...row,
      ...Object.fromEntries(scales.map(([name, scale]) => [name, decimalOf(row[name], scale)])),
    }),
  };
}

/** A bigint; with digits behind the point a number, or text where a number cannot hold them. */
export function decimalOf(stored: unknown, scale: number): unknown {
  if (stored === null || stored === undefined) return stored;
  const whole = stored instanceof Uint8Array ? signed(stored) : BigInt(stored as bigint | number);
  if (scale === 0) return whole;
  const digits = String(whole < 0n ? -whole : whole).padStart(scale + 1, "0");
  const text = `${whole < 0n ? "-" : ""}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
  return digits.replace(/0+$/, "").length > floatDigits ? text : Number(text);
}

/** Two's complement, the highest byte first. */
function signed(bytes: Uint8Array): bigint {
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  return BigInt.asIntN(8 * bytes.length, value);
}
