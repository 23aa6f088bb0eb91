import { randomUUID } from "node:crypto";
import { host } from "../host.js";
import { encodeBundle } from "../json.js";
import type { MimeBundle } from "../replies.js";
import { chartSize } from "./charts.js";
import { displaySymbol, format, plain } from "./format.js";

export interface DisplayOptions {
  /** Name of the display, to update it from elsewhere. */
  id?: string;
  /** Metadata by MIME type, e.g. `{"image/png": {width: 300}}`. */
  metadata?: MimeBundle;
  /** The value is a MIME bundle already. */
  raw?: boolean;
}

/** A place in the notebook that was shown and can be changed. */
export interface DisplayHandle {
  readonly id: string;
  /** Shows another value, or bundle, in the same place. */
  update(value: unknown, options?: Pick<DisplayOptions, "metadata" | "raw">): void;
}

/** Shows a value now, in the running cell; outside a kernel it is printed. */
export function displayValue(value: unknown, options: DisplayOptions = {}): DisplayHandle {
  const { id = randomUUID() } = options;
  const cell = host()?.cell() ?? null;
  show(value, "display_data", id, cell, options);
  return {
    id,
    update: (next, nextOptions = {}) => show(next, "update_display_data", id, cell, nextOptions),
    // As the last expression of a cell a handle shows nothing: its value is on display already.
    [displaySymbol]: () => null,
  } as DisplayHandle;
}

/** Shows a value by a message of a chosen type. */
export function show(
  value: unknown,
  message: string,
  id: string,
  cell: number | null,
  { raw = false, metadata = {} }: DisplayOptions,
): void {
  const kernel = host();
  const send = (bundle: MimeBundle | null): void => {
    if (bundle === null) return;
    if (!kernel) return void console.log(bundle["text/plain"] ?? plain(bundle));
    const data = encodeBundle(bundle);
    const content = { data, metadata: { ...chartSize(data), ...metadata }, transient: { display_id: id } };
    kernel.publish(cell, message, content);
  };
  const bundle = raw ? (value as MimeBundle) : (kernel?.format ?? format)(value);
  if (bundle instanceof Promise) {
    const sent = bundle.then(send);
    kernel?.settle(sent);
  } else send(bundle);
}
