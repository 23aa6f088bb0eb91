import type { Completion } from "./language/requests.js";
import { protocolVersion } from "./wire.js";

/** What an error looks like on the wire. */
export interface ErrorContent {
  ename: string;
  evalue: string;
  traceback: string[];
}

export type MimeBundle = Record<string, unknown>;

export interface Payload {
  source: string;
  [key: string]: unknown;
}

export type HistoryEntry = [session: number, line: number, input: string | [string, string | null]];

export const ok = () => ({ status: "ok" as const });

export const status = (state: "starting" | "busy" | "idle") => ({ execution_state: state });

/**
 * `codemirror_mode` is a plain string: clients that are not in Python refuse any object but {name, version}.
 */
export const kernelInfo = (versions: { kernel: string; typescript: string; node: string }) => ({
  ...ok(),
  protocol_version: protocolVersion,
  implementation: "speakerscope",
  implementation_version: versions.kernel,
  banner: `speakerscope ${versions.kernel}: TypeScript ${versions.typescript} on Node.js ${versions.node}`,
  language_info: {
    name: "typescript",
    version: versions.typescript,
    mimetype: "text/typescript",
    file_extension: ".ts",
    codemirror_mode: "typescript",
    pygments_lexer: "typescript",
    nbconvert_exporter: "script",
  },
  help_links: [
    { text: "TypeScript", url: "https://www.typescriptlang.org/docs/" },
    { text: "Node.js", url: "https://nodejs.org/docs/latest-v20.x/api/" },
  ],
  debugger: false,
  supported_features: ["iopub_welcome"],
});

export const executeOk = (
  execution_count: number,
  user_expressions: Record<string, unknown>,
  payload: Payload[],
) => ({ ...ok(), execution_count, user_expressions, payload });

export const executeError = (execution_count: number, error: ErrorContent) => ({
  status: "error" as const,
  execution_count,
  ...error,
  user_expressions: {},
  payload: [],
});

export const executeAborted = () => ({ status: "aborted" as const });

/** `start` and `end` count code points. */
export const complete = ({ matches, types, start, end }: Completion) => ({
  ...ok(),
  matches,
  cursor_start: start,
  cursor_end: end,
  metadata: {
    _jupyter_types_experimental: matches.map((text, i) => ({ text, type: types[i], start, end })),
  },
});

export const inspect = (data: MimeBundle | null) => ({
  ...ok(),
  found: data !== null,
  data: data ?? {},
  metadata: {},
});

export const history = (entries: HistoryEntry[]) => ({ ...ok(), history: entries });

export const commInfo = (comms: Map<string, string>) => ({
  ...ok(),
  comms: Object.fromEntries([...comms].map(([id, target_name]) => [id, { target_name }])),
});

export const shutdown = (restart: boolean) => ({ ...ok(), restart });

export const failed = (error: ErrorContent) => ({ status: "error" as const, ...error });

export const executeInput = (code: string, execution_count: number) => ({ code, execution_count });

export const stream = (name: "stdout" | "stderr", text: string) => ({ name, text });

export const inputRequest = (prompt: string, password: boolean) => ({ prompt, password });

export const commClose = (comm_id: string) => ({ comm_id, data: {} });

export const welcome = (subscription: string) => ({ subscription });
