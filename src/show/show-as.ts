import { inspect } from "node:util";
import { vectorText } from "../shared/cell-text.js";
import { quantity } from "../shared/text.js";
import type { View } from "./view.js";
import { viewHtml } from "./view-html.js";
import { briefText, viewText } from "./view-text.js";

/** The method by which a value shows itself in a notebook. */
const display = Symbol.for("Jupyter.display");

/**
 * Makes a result show itself, in a cell and in the terminal. It stays the plain data that it is: what is added is not
 * enumerable, so that copies, JSON and comparisons do not see it.
 *
 * @param view is called whenever the result is shown, and costs nothing before
 */
export function showAs<Result extends object>(result: Result, view: (result: Result) => View): Result {
  // Whoever has changed the result since sees what it holds now.
  const shown = <T>(render: (view: View) => T): T | object => {
    try {
      return render(view(result));
    } catch {
      return Array.isArray(result) ? [...result] : { ...result };
    }
  };
  const isInside = (depth: number | null, whole: number | null) =>
    depth !== null && (depth < (whole ?? 0) || depth < 2);
  return hide(result, {
    [inspect.custom]: (depth: number | null, options: { depth: number | null }) =>
      shown(isInside(depth, options.depth) ? briefText : viewText),
    [display]: () => {
      const html = shown(viewHtml);
      return { "text/plain": inspect(result), ...(typeof html === "string" && { "text/html": html }) };
    },
  });
}

/** Makes a list show itself as a table of its first rows. */
export const showRows = <Row extends object>(rows: Row[], noun: string): Row[] =>
  showAs(rows, () => ({ title: quantity(rows.length, noun), parts: [{ rows, noun: `${noun}s` }] }));

/** Makes a vector one line in the terminal, and within rows; by itself in a cell it is the kernel's to show. */
export const showVector = (vector: Float32Array): Float32Array => hide(vector, vectorMethods);

const vectorMethods = {
  [inspect.custom](this: Float32Array): string {
    return vectorText(this);
  },
};

/** One at a time: `Object.defineProperties` is slower, and there may be a million vectors. */
function hide<T extends object>(value: T, methods: Record<symbol, unknown>): T {
  for (const name of Object.getOwnPropertySymbols(methods))
    Object.defineProperty(value, name, { value: methods[name], configurable: true, writable: true });
  return value;
}
