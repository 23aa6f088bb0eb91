import { inspect } from "node:util";
import type { MimeBundle } from "../replies.js";
import { chartBundle, chartType } from "./charts.js";
import { isSignal, mediaBundle, mediaType, signalBundle } from "./media.js";
import { isLongNumbers, isMatrix, isTensor, numbersBundle, tensorBundle } from "./numbers.js";
import { frameBundle, isFrame, isRecords, mapBundle, recordsBundle } from "./tables.js";

/** The method by which a value chooses how it is shown; Deno's convention. */
export const displaySymbol: unique symbol = Symbol.for("Jupyter.display") as never;

/** Colours as a terminal would have them, unless the environment says no. */
export const useColors = (env: NodeJS.ProcessEnv = process.env): boolean =>
  !env.NO_COLOR && env.FORCE_COLOR !== "0" && env.NODE_DISABLE_COLORS !== "1";

export const plain = (value: unknown, colors = useColors()): string =>
  inspect(value, { colors, depth: 4, maxArrayLength: 30, maxStringLength: 20_000, breakLength: 100 });

/**
 * The MIME bundle that shows a value; null when it wants to show nothing.
 *
 * A value's own method comes first. Values of libraries are told by their shape: the kernel loads none of them.
 */
export function format(value: unknown, colors = useColors()): MimeBundle | null | Promise<MimeBundle | null> {
  if ((typeof value !== "object" && typeof value !== "function") || value === null)
    return { "text/plain": plain(value, colors) };
  const own = (value as { [displaySymbol]?: unknown })[displaySymbol];
  if (typeof own === "function") return own.call(value) as MimeBundle | null | Promise<MimeBundle | null>;
  if (typeof value === "function") return { "text/plain": plain(value, colors) };
  if (isTensor(value)) return tensorBundle(value);
  if (isFrame(value)) return frameBundle(value);
  if (isSignal(value)) return signalBundle(value);
  if (isMatrix(value)) return numbersBundle(value.data, [value.rows, value.columns]);
  if (value instanceof Uint8Array) {
    const type = mediaType(value);
    if (type) return mediaBundle(value, type);
  }
  if (isLongNumbers(value)) return numbersBundle(value);
  const chart = chartType(value);
  if (chart) return chartBundle(value, chart);
  const text = plain(value, colors);
  if (isRecords(value)) return recordsBundle(value, text);
  if (value instanceof Map) return mapBundle(value, text);
  return { "text/plain": text };
}
