import { parentPort } from "node:worker_threads";
import type { Channel } from "../audio/mixdown.js";
import { type FrontEndSettings, openFrontEnd } from "../embed/front-end.js";
import { threadData } from "../runtime/threads.js";
import { type Piece, type PrepareOptions, prepare } from "./prepare.js";

/*
 * A thread that prepares one file at a time for a rank whose model runs on another device. It is asked for every piece, and
 * prepares one piece ahead.
 */

/** What a thread is started with. */
export interface ThreadSettings extends PrepareOptions {
  frontEnd: FrontEndSettings;
  channel: Channel;
}

/** Bytes begin a file; null asks for its next piece. */
export type ThreadRequest = { bytes: Uint8Array; channel: Channel | undefined } | null;

/** An error travels with its class, its message and what is given beside: its own fields and those of its cause. */
export type ThreadAnswer = { piece: Piece; last: boolean } | { error: Error; fields: object };

const { frontEnd: settings, channel, ...options } = threadData<ThreadSettings>();
const frontEnd = openFrontEnd(settings);
let pieces: AsyncGenerator<Piece>;
let next: IteratorResult<Piece>;

parentPort!.on("message", async (request: ThreadRequest) => {
  try {
    if (request !== null) {
      pieces = prepare(request.bytes, frontEnd, request.channel ?? channel, options);
      next = await pieces.next();
    }
    const piece = next.value as Piece;
    next = await pieces.next();
    const shared = "features" in piece ? [piece.features.data.buffer as ArrayBuffer] : [];
    answer({ piece, last: next.done === true }, shared);
  } catch (error) {
    const { cause } = error as Error;
    answer({ error: error as Error, fields: { ...(error as Error), cause: { ...(cause as object) } } });
  }
});

function answer(message: ThreadAnswer, transfer: ArrayBuffer[] = []): void {
  parentPort!.postMessage(message, transfer);
}
