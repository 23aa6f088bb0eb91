import type { DataFrame } from "danfojs-node";
import { missing } from "../errors.js";
import { flatRows } from "./flat-rows.js";
import { mendFrames } from "./mend-frames.js";

/**
 * Rows as a danfojs DataFrame: a table for people to look at, sort and filter in a notebook. Missing numbers are NaN, and
 * `describe` and `sortValues` treat them as pandas does: left out, and last.
 *
 * Embeddings and other typed arrays are left out, or shown as a short text; an object in a row (`speaker1` of a pair)
 * becomes columns of its own (`speaker1Key`); a list becomes text.
 *
 * @param embeddings `omit`, the default, leaves embeddings out; `text` shows their first numbers and their length
 * @throws missing when danfojs-node is not installed, with the command that installs it
 * @example
 * toDataFrame(analysis.pairs).head(10)
 */
export function toDataFrame(
  rows: Iterable<object>,
  { embeddings = "omit" }: { embeddings?: "omit" | "text" } = {},
): DataFrame {
  const { columns, values } = flatRows(rows, embeddings);
  const danfo = load();
  mendFrames(danfo);
  return new danfo.DataFrame(values, { columns });
}

function load(): typeof import("danfojs-node") {
  try {
    return require("danfojs-node");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "MODULE_NOT_FOUND") throw cause;
    throw missing(
      "toDataFrame needs the package danfojs-node, which is not installed. Run: npm install danfojs-node@1.2.0",
      { cause },
    );
  }
}
