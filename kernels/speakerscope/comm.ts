import { randomUUID } from "node:crypto";
import { Callbacks } from "./callbacks.js";
import type { CommEnd } from "./comms.js";
import { host } from "./host.js";

type Data = Record<string, unknown>;

/** One end of a comm: a line to the code in the page that handles its target. */
export interface Comm {
  readonly id: string;
  readonly target: string;
  /** Sends JSON and bytes to every page that shows the notebook. */
  send(data: Data, buffers?: Uint8Array[]): void;
  on(event: "message", callback: (data: Data, buffers: Uint8Array[]) => unknown): () => void;
  /** The page has closed it. */
  on(event: "close", callback: () => unknown): () => void;
  close(): void;
}

interface Ends {
  comm: Comm;
  end: CommEnd;
}

function endsOf(id: string, target: string): Ends {
  const callbacks = new Callbacks(`the comm "${target}"`);
  const comm: Comm = {
    id,
    target,
    send: (data, buffers = []) => host()?.comms().send(id, { data, buffers }),
    on: (event: string, callback: (...args: never[]) => unknown) => callbacks.on(event, callback),
    close() {
      callbacks.clear();
      host()?.comms().close(id);
    },
  };
  const end: CommEnd = {
    message: (data, buffers) => callbacks.calls("message", data, buffers),
    closed() {
      const calls = callbacks.calls("close");
      callbacks.clear();
      return calls;
    },
  };
  return { comm, end };
}

/**
 * Opens a comm to the code that a page has registered for this target. Outside the kernel nobody hears it.
 *
 * @param target name under which the page's code is registered
 * @param message.data first message: JSON
 * @param message.buffers and its bytes
 */
export function openComm(
  target: string,
  { data = {}, buffers = [] }: { data?: Data; buffers?: Uint8Array[] } = {},
): Comm {
  const id = randomUUID();
  const { comm, end } = endsOf(id, target);
  host()?.comms().open(target, end, { data, buffers }, id);
  return comm;
}

/**
 * Accepts the comms that pages open for a target; without it they are closed at once.
 *
 * @param target name that the page opens
 * @param opened is called with the comm and what its opening brought
 */
export function onComm(
  target: string,
  opened: (comm: Comm, data: Data, buffers: Uint8Array[]) => unknown,
): void {
  const callbacks = new Callbacks(`the target "${target}"`);
  callbacks.on("open", opened);
  host()
    ?.comms()
    .accept(target, (id, data, buffers) => {
      const { comm, end } = endsOf(id, target);
      return { end, calls: callbacks.calls("open", comm, data, buffers) };
    });
}
