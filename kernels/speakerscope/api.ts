/**
 * What a cell can do in its notebook. Outside the kernel everything falls back to the console, so a module that uses it
 * also runs in a plain Node.js process.
 */
import { createInterface } from "node:readline/promises";
import { type DisplayHandle, type DisplayOptions, displayValue } from "./display/display.js";
import { host } from "./host.js";

export { type Comm, onComm, openComm } from "./comm.js";
export type { DisplayHandle, DisplayOptions } from "./display/display.js";
export { type ProgressBar, type ProgressEvent, progress, progressOf } from "./progress.js";
export { type Widget, type WidgetOptions, widget } from "./widget.js";

type Shown = (data: string, options?: DisplayOptions) => DisplayHandle;
type ShownBytes = (data: Uint8Array, options?: DisplayOptions) => DisplayHandle;

interface Display {
  (value: unknown, options?: DisplayOptions): DisplayHandle;
  html: Shown;
  markdown: Shown;
  latex: Shown;
  svg: Shown;
  text: Shown;
  javascript: Shown;
  png: ShownBytes;
  jpeg: ShownBytes;
  gif: ShownBytes;
  pdf: ShownBytes;
  /** A value as foldable JSON. */
  json: (value: unknown, options?: DisplayOptions) => DisplayHandle;
  /** A bundle of several MIME types for one output; the front end takes the richest it knows. */
  bundle: (data: Record<string, unknown>, options?: DisplayOptions) => DisplayHandle;
}

const by =
  <T extends string | Uint8Array>(mime: string) =>
  (data: T, options: DisplayOptions = {}) => {
    const text = typeof data === "string" ? data : `${mime}, ${data.length} bytes`;
    return displayValue({ "text/plain": text, [mime]: data }, { ...options, raw: true });
  };

/**
 * Shows a value now, not only at the end of the cell, and gives a handle that can change it. Its members choose the type:
 * `display.html(text)`, `.markdown`, `.latex`, `.svg`, `.text`, `.javascript`, `.json`, `.png(bytes)`, `.jpeg`, `.gif`, `.pdf`
 * and `.bundle`. A value with a method `Symbol.for("Jupyter.display")` chooses its own MIME types, as in Deno's kernel.
 *
 * @example
 * const place = display("starting");
 * place.update("done");
 */
export const display: Display = Object.assign(
  (value: unknown, options: DisplayOptions = {}) => displayValue(value, options),
  {
    html: by<string>("text/html"),
    markdown: by<string>("text/markdown"),
    latex: by<string>("text/latex"),
    svg: by<string>("image/svg+xml"),
    text: by<string>("text/plain"),
    javascript: by<string>("application/javascript"),
    png: by<Uint8Array>("image/png"),
    jpeg: by<Uint8Array>("image/jpeg"),
    gif: by<Uint8Array>("image/gif"),
    pdf: by<Uint8Array>("application/pdf"),
    json: (value: unknown, options: DisplayOptions = {}) =>
      displayValue(
        { "text/plain": JSON.stringify(value, null, 2), "application/json": value },
        { ...options, raw: true },
      ),
    bundle: (data: Record<string, unknown>, options: DisplayOptions = {}) =>
      displayValue(data, { ...options, raw: true }),
  },
);

/**
 * Clears the output of the running cell.
 *
 * @param options.wait clear only when the next output comes, so that nothing flickers
 */
export function clearOutput({ wait = false }: { wait?: boolean } = {}): void {
  const kernel = host();
  if (kernel) kernel.publish(kernel.cell(), "clear_output", { wait });
  else if (process.stdout.isTTY) console.clear();
}

/**
 * Asks the user for a line of text.
 *
 * @param options.password do not show what is typed
 * @throws when nobody can answer: a notebook that runs unattended
 */
export async function input(prompt = "", { password = false }: { password?: boolean } = {}): Promise<string> {
  const kernel = host();
  if (kernel) return kernel.input(prompt, password);
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return await lines.question(prompt);
  } finally {
    lines.close();
  }
}

const never = new AbortController().signal;

/**
 * The signal that an interrupt of the running cell aborts. Hand it to what can be stopped; outside the kernel it is never
 * aborted.
 *
 * @example
 * await extract(corpus, { abortSignal: cellSignal() });
 */
export function cellSignal(): AbortSignal {
  return host()?.signal() ?? never;
}
