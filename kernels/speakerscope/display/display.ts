import { randomUUID } from "node:crypto";
import { type Host, host } from "../host.js";
import { encodeBundle } from "../json.js";
import type { MimeBundle } from "../replies.js";
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

class Handle implements DisplayHandle {
  readonly id: string;
  readonly #cell: number | null;

  constructor(id: string, cell: number | null) {
    this.id = id;
    this.#cell = cell;
  }

  update(value: unknown, options: Pick<DisplayOptions, "metadata" | "raw"> = {}): void {
    show(value, "update_display_data", this.id, this.#cell, options);
  }

  /** As the last expression of a cell a handle shows nothing: what it stands for is there already. */
  [displaySymbol](): null {
    return null;
  }
}

/** Shows a value now, in the cell that runs; outside a kernel it is printed. */
export function displayValue(value: unknown, options: DisplayOptions = {}): DisplayHandle {
  const { id = randomUUID() } = options;
  const cell = host()?.cell() ?? null;
  show(value, "display_data", id, cell, options);
  return new Handle(id, cell);
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
  const bundle = raw ? (value as MimeBundle) : (kernel?.format ?? format)(value);
  if (bundle instanceof Promise) {
    const done = bundle.then((ready) => send(kernel, message, ready, id, cell, metadata));
    kernel?.settle(done);
  } else send(kernel, message, bundle, id, cell, metadata);
}

function send(
  kernel: Host | undefined,
  message: string,
  bundle: MimeBundle | null,
  id: string,
  cell: number | null,
  metadata: MimeBundle,
): void {
  if (bundle === null) return;
  if (kernel) {
    const content = { data: encodeBundle(bundle), metadata, transient: { display_id: id } };
    kernel.publish(cell, message, content);
  } else console.log(bundle["text/plain"] ?? plain(bundle));
}
