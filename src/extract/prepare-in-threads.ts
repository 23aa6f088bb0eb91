import { once } from "node:events";
import { join } from "node:path";
import { startThread, type Thread } from "../runtime/threads.js";
import type { Piece, Preparer } from "./prepare.js";
import type { ThreadAnswer, ThreadRequest, ThreadSettings } from "./prepare-thread.js";

/**
 * Prepares files in threads of their own, so that decoding keeps up with a model on a GPU. A file begins as soon as a
 * thread is free, in the order in which files were given.
 *
 * A thread that dies (of memory, say) fails its file alone.
 */
export function prepareInThreads(count: number, settings: ThreadSettings): Preparer {
  const threads = new Set<Thread>();
  const idle: Thread[] = [];
  const waiting: ((thread: Thread) => void)[] = [];

  const start = () => {
    const thread = startThread(join(__dirname, "prepare-thread.js"), settings);
    threads.add(thread);
    thread.on("error", () => {
      threads.delete(thread);
      if (idle.includes(thread)) idle.splice(idle.indexOf(thread), 1);
    });
    return thread;
  };
  const acquire = (): Thread | Promise<Thread> =>
    idle.pop() ?? (threads.size < count ? start() : new Promise((resolve) => waiting.push(resolve)));
  const release = (thread: Thread) => {
    const alive = threads.has(thread);
    const next = waiting.shift();
    if (next !== undefined) next(alive ? thread : start());
    else if (alive) idle.push(thread);
  };
  const ask = async (thread: Thread, request: ThreadRequest) => {
    thread.postMessage(request);
    // Rejects when the thread dies.
    const [answer] = (await once(thread, "message")) as [ThreadAnswer];
    if ("error" in answer) throw Object.assign(answer.error, answer.fields);
    return answer;
  };
  const begin = async (file: ThreadRequest) => {
    const thread = await acquire();
    try {
      const answer = await ask(thread, file);
      if (answer.last) release(thread);
      return { thread, answer };
    } catch (error) {
      release(thread);
      throw error;
    }
  };

  return {
    prepare(bytes, channel) {
      const begun = begin({ bytes, channel });
      // A failure is thrown where the pieces are read.
      begun.catch(() => {});
      return (async function* (): AsyncGenerator<Piece> {
        const { thread, answer } = await begun;
        if (answer.last) return yield answer.piece;
        try {
          for (let given = answer; ; given = await ask(thread, null)) {
            yield given.piece;
            if (given.last) return;
          }
        } finally {
          release(thread);
        }
      })();
    },
    async close() {
      await Promise.all([...threads].map((thread) => thread.end()));
    },
  };
}
