import type { ErrorContent, MimeBundle, Payload } from "./replies.js";
import type { Header, Outgoing } from "./wire.js";

/** One cell to run. `id` names it in every message between the threads. */
export interface CellRequest {
  id: number;
  code: string;
  count: number;
  silent: boolean;
  allowStdin: boolean;
  expressions: Record<string, string>;
}

export type Question =
  | { ask: "complete"; code: string; position: number }
  | { ask: "inspect"; code: string; position: number; detail: 0 | 1 }
  | { ask: "isComplete"; code: string };

/** What a client says on a comm. */
export interface CommRequest {
  type: "comm_open" | "comm_msg" | "comm_close";
  id: string;
  /** Only when it is opened. */
  target: string;
  data: Record<string, unknown>;
  buffers: Uint8Array[];
  /** The header of the message, for what answers it. */
  parent: Header;
}

/** How a cell ended. */
export interface Outcome {
  error: ErrorContent | null;
  /** The text of the last expression, for the history. */
  resultText: string | null;
  expressions: Record<string, unknown>;
  payload: Payload[];
}

/** From the worker to the main thread. Each carries a number and is sent again until it is acknowledged. */
export type ToMain =
  | { type: "execute"; cell: CellRequest }
  | ({ type: "question" } & Question)
  | { type: "comm"; comm: CommRequest }
  /** The cell that ran when the user asked; by the time it is heard another may run. */
  | { type: "interrupt"; cell: number | undefined }
  | { type: "input"; prompt: number; value: string }
  | { type: "shutdown" };

/** A message to every client. Its content is JSON already, written where the values live. */
export type Published = Outgoing & { content: string };

/** Sends a message to every client, as one of a cell or in answer to another message. */
export type Publish = (
  cell: number | null,
  message: string,
  content: Record<string, unknown>,
  extra?: { metadata?: MimeBundle; buffers?: Uint8Array[]; parent?: Header },
) => void;

/** From the main thread to the worker. */
export type FromMain =
  /** The process is about to exit. */
  | { type: "leave" }
  | { type: "acknowledge"; serial: number }
  | { type: "answer"; serial: number; answer: unknown; error?: ErrorContent }
  | { type: "done"; cell: number; outcome: Outcome }
  | { type: "stream"; cell: number | null; name: "stdout" | "stderr"; text: string }
  | { type: "publish"; cell: number | null; outgoing: Published }
  | { type: "prompt"; id: number; cell: number; prompt: string; password: boolean; wait: boolean };

/** What a message costs while it lies between the threads, however short it is. */
export const messageOverhead = 2048;

/** How much a cell has written with a message; null for a message that is not its output. */
export function outputSize(message: FromMain): number | null {
  if (message.type === "stream") return message.text.length;
  if (message.type !== "publish") return null;
  const { content, buffers = [] } = message.outgoing;
  let size = content.length;
  for (const buffer of buffers) size += buffer.byteLength;
  return size;
}
