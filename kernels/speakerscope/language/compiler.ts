import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { native, pristine } from "../intrinsics.js";
import type { Answered, Asked, CompilerData, Questions } from "./requests.js";

/** Enough for code nested 20,000 deep. The system commits stack memory only as it is used. */
const stackSizeMb = 128;

type Promised<K extends keyof Questions> = Promise<ReturnType<Questions[K]>>;

/**
 * The compiler, in its own thread: it gets a larger stack, cells cannot tamper with it, an interrupt can end it, and
 * after a crash the next question starts another.
 */
export class Compiler {
  readonly #data: CompilerData;
  readonly #waiting = new Map<number, { resolve(value: unknown): void; reject(reason: Error): void }>();
  #worker: Worker | null = null;
  #asked = 0;

  constructor(folder: string) {
    this.#data = { folder, modules: new Map() };
    this.#start();
  }

  ask<K extends keyof Questions>(question: K, ...given: Parameters<Questions[K]>): Promised<K> {
    const id = ++this.#asked;
    return new native.Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
      const worker = this.#start();
      // The thread keeps the process alive only while an answer is awaited.
      worker.ref();
      worker.postMessage({ id, question, given } satisfies Asked);
    });
  }

  /** Keeps a module cell for compilers that are started later. */
  addModule(name: string, code: string): void {
    this.#data.modules.set(name, code);
  }

  /** Ends what is being compiled. */
  stop(): void {
    if (this.#waiting.size > 0) this.#end("The compiler was stopped by an interrupt.");
  }

  #start(): Worker {
    if (this.#worker) return this.#worker;
    const worker = new Worker(join(__dirname, "thread.js"), {
      workerData: this.#data,
      resourceLimits: { stackSizeMb },
    });
    this.#worker = worker;
    worker.on("message", (answered: Answered) => pristine(() => this.#hear(answered)));
    const failed = (error: Error) => {
      if (worker === this.#worker)
        pristine(() =>
          this.#end(`The compiler failed (${error.message}) and is restarted. Run the cell again.`),
        );
    };
    worker.on("error", failed);
    worker.on("exit", (code) => failed(new Error(`exit status ${code}`)));
    worker.unref();
    return worker;
  }

  #hear({ id, answer, error }: Answered): void {
    const asked = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (this.#waiting.size === 0) this.#worker?.unref();
    if (error) asked?.reject(Object.assign(new Error(error.message), { stack: error.message }, error));
    else asked?.resolve(answer);
  }

  #end(message: string): void {
    const worker = this.#worker;
    this.#worker = null;
    void worker?.terminate();
    for (const { reject } of this.#waiting.values()) reject(new Error(message));
    this.#waiting.clear();
  }
}
