import { StringDecoder } from "node:string_decoder";
import { native } from "./intrinsics.js";
import type { FromMain } from "./messages.js";

type StreamName = "stdout" | "stderr";
type Write = (name: StreamName, data: string | Uint8Array) => void;

interface StdioOptions {
  post(message: FromMain): void;
  /** The cell whose code writes. */
  cell(): number | null;
}

const longestPrompt = 200;

/** `process.stdout` and `process.stderr` write into the notebook from now on. */
export function takeOverOutput({ post, cell }: StdioOptions): { write: Write; takeLastLine(): string } {
  const decoders = { stdout: new StringDecoder(), stderr: new StringDecoder() };
  /** What the cell has written since its last line end. */
  let lastLine = "";
  let lastCell: number | null = null;

  const write: Write = (name, data) => {
    const text = typeof data === "string" ? data : decoders[name].write(Buffer.from(data));
    if (!text) return;
    const writer = cell();
    const at = text.lastIndexOf("\n");
    if (at >= 0 || writer !== lastCell) lastLine = "";
    lastLine = `${lastLine}${text.slice(at + 1)}`.slice(-longestPrompt);
    lastCell = writer;
    post({ type: "stream", cell: writer, name, text });
  };

  for (const name of ["stdout", "stderr"] as const) {
    const callBack = (args: unknown[]) => {
      const callback = args.find((item) => typeof item === "function");
      if (callback) native.nextTick(callback);
    };
    Object.assign(process[name], {
      write(chunk: string | Uint8Array, ...rest: unknown[]): boolean {
        write(name, chunk);
        callBack(rest);
        return true;
      },
      // The stream stays open: later cells write to it too.
      end(...args: unknown[]) {
        const [chunk] = args as [string | Uint8Array | undefined];
        if (chunk && typeof chunk !== "function") write(name, chunk);
        callBack(args);
        return process[name];
      },
    });
  }
  const takeLastLine = () => {
    const line = lastCell === cell() ? lastLine : "";
    // The user's answer ends it.
    lastLine = "";
    return line;
  };
  return { write, takeLastLine };
}
