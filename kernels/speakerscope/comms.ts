import { randomUUID } from "node:crypto";
import { copyOf, packBuffers } from "./buffers.js";
import type { CommRequest, Publish } from "./messages.js";
import type { Header } from "./wire.js";

/** Code of a cell that an event calls. */
export interface Call {
  /** What it prints, and its errors, appear there. */
  cell: number | null;
  /** The line above an error. */
  what: string;
  run(): unknown;
}

/** What one end of a comm does with what comes. It changes state and gives the code of cells that is to be called. */
export interface CommEnd {
  message(data: Record<string, unknown>, buffers: Uint8Array[], parent: Header): Call[];
  closed(): Call[];
  /** The model of a widget, for a page that has none of it yet. */
  model?(): Record<string, unknown>;
}

/** What to do when a client opens a comm: its end here, and code of cells to be called. */
export type Accept = (
  id: string,
  data: Record<string, unknown>,
  buffers: Uint8Array[],
) => { end: CommEnd; calls: Call[] };

interface CommMessage {
  data?: Record<string, unknown>;
  buffers?: Uint8Array[];
  metadata?: Record<string, unknown>;
  /** The message that this one answers; else the running cell's. */
  parent?: Header;
}

/** Asks for the models of all widgets: a page does when it is loaded. */
const controlTarget = "jupyter.widget.control";

/** The open comms of a kernel, both those that cells and those that clients have opened. Loaded with the first one. */
export class Comms {
  readonly #publish: Publish;
  readonly #cell: () => number | null;
  readonly #ends = new Map<string, CommEnd>();
  readonly #targets = new Map<string, Accept>([[controlTarget, (id) => this.#control(id)]]);

  constructor({ publish, cell }: { publish: Publish; cell: () => number | null }) {
    this.#publish = publish;
    this.#cell = cell;
  }

  open(target: string, end: CommEnd, message: CommMessage = {}, id: string = randomUUID()): string {
    this.#ends.set(id, end);
    this.#send("comm_open", { comm_id: id, target_name: target }, message);
    return id;
  }

  /** Sends to every client; nothing when the comm is closed. */
  send(id: string, message: CommMessage): void {
    if (this.#ends.has(id)) this.#send("comm_msg", { comm_id: id }, message);
  }

  close(id: string): void {
    if (this.#ends.delete(id)) this.#send("comm_close", { comm_id: id }, {});
  }

  /** Accepts comms that clients open for this target. */
  accept(target: string, accept: Accept): void {
    this.#targets.set(target, accept);
  }

  /** Takes a message of a client; gives the code of cells that is to be called for it. */
  receive({ type, id, target, data, buffers, parent }: CommRequest): Call[] {
    const end = this.#ends.get(id);
    if (type === "comm_msg") return end?.message(data, buffers, parent) ?? [];
    if (type === "comm_close") {
      this.#ends.delete(id);
      return end?.closed() ?? [];
    }
    const accept = this.#targets.get(target);
    if (!accept) {
      this.#send("comm_close", { comm_id: id }, { parent });
      return [];
    }
    const accepted = accept(id, data, buffers);
    this.#ends.set(id, accepted.end);
    return accepted.calls;
  }

  #control(id: string): ReturnType<Accept> {
    const message: CommEnd["message"] = ({ method }, _, parent) => {
      if (method !== "request_states")
        throw new Error(`The widgets' control comm does not know the method ${method}.`);
      const models = [...this.#ends].flatMap(([id, end]) => (end.model ? [[id, end.model()] as const] : []));
      const { state: states, paths, buffers } = packBuffers(Object.fromEntries(models));
      this.send(id, { data: { method: "update_states", states, buffer_paths: paths }, buffers, parent });
      return [];
    };
    return { end: { message, closed: () => [] }, calls: [] };
  }

  #send(type: string, content: object, { data = {}, buffers = [], metadata, parent }: CommMessage): void {
    this.#publish(
      this.#cell(),
      type,
      { ...content, data },
      {
        buffers: buffers.map(copyOf),
        ...(metadata && { metadata }),
        ...(parent && { parent }),
      },
    );
  }
}
