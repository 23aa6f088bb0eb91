/**
 * What went wrong with an input: `invalid` (it is there but not as it must be), `missing` (it is not there),
 * `unknown` (a name nobody has), `unsupported` (well formed, but not something this package can do),
 * `conflict` (two things that cannot both be), `interrupted` (stopped on request).
 */
export type ErrorTag = "invalid" | "missing" | "unknown" | "unsupported" | "conflict" | "interrupted";

export interface ErrorDetail {
  /** The value that was found. */
  got?: unknown;
  /** The file or folder concerned. The message names it too. */
  path?: string;
  /** The error underneath. */
  cause?: unknown;
}

/**
 * The one error class of this package. Match it by `tag`, not by `instanceof`: workers and second copies of the
 * module lose identity.
 *
 * The message is one or more sentences: what is wrong, with the value and the place, then what to do. Where it does
 * not mention `path`, the path goes in front: `final/speaker_list.json: Row 3 has no key.`
 *
 * @example
 * throw new ScopeError("missing", "No NVIDIA GPU was found (nvidia-smi failed). Use --device cpu, or see docs/gpu.md.");
 */
export class ScopeError extends Error {
  readonly tag: ErrorTag;
  // Not there where there is nothing to tell, or whoever prints the error reads `got: undefined`.
  declare readonly got: unknown;
  declare readonly path: string | undefined;

  constructor(tag: ErrorTag, sentence: string, { got, path, cause }: ErrorDetail = {}) {
    super(sentenceWithPath(sentence, path), cause === undefined ? undefined : { cause });
    this.name = "ScopeError";
    this.tag = tag;
    Object.assign(this, got !== undefined && { got }, path !== undefined && { path });
  }
}

function thrower(tag: ErrorTag): (sentence: string, detail?: ErrorDetail) => ScopeError {
  return function make(sentence, detail) {
    const error = new ScopeError(tag, sentence, detail);
    // The stack begins where it was thrown.
    Error.captureStackTrace(error, make);
    return error;
  };
}

export const invalid = thrower("invalid");
export const missing = thrower("missing");
export const unknown = thrower("unknown");
export const unsupported = thrower("unsupported");
export const conflict = thrower("conflict");
export const interrupted = thrower("interrupted");

/** The message of anything that was thrown. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/**
 * Throws when the signal is aborted.
 *
 * @param what is stopped: `Merging`
 */
export function throwIfAborted(what: string, abortSignal: AbortSignal | undefined): void {
  if (abortSignal?.aborted)
    throw interrupted(`${what} was stopped on request.`, { cause: abortSignal.reason });
}

/**
 * Runs a job that may be stopped. The error then names the job, not the step of it that noticed.
 *
 * @param what is stopped: `Merging`
 * @param rest what is true of its files then, and how to go on, as sentences
 */
export async function stoppable<T>(what: string, job: () => Promise<T>, rest?: string): Promise<T> {
  try {
    return await job();
  } catch (error) {
    if ((error as { tag?: unknown } | undefined)?.tag !== "interrupted") throw error;
    throw interrupted(`${what} was stopped on request.${rest === undefined ? "" : ` ${rest}`}`, {
      cause: error,
    });
  }
}

/** The longest list or object, and the deepest, that a message shows in full. */
const shownItems = 8;
const shownDepth = 3;

/**
 * A value as an error message shows it: text in quotes and at most 120 characters of it, lists and objects like JSON, but
 * short. Values come from files, so they may be of any type and unfold to more than could ever be written out.
 */
export function shown(value: unknown, depth = 0): string {
  if (typeof value === "string") return `"${shortened(value)}"`;
  if (typeof value === "bigint") return shortened(value.toString());
  if (typeof value === "function" || typeof value === "symbol") return `a ${typeof value}`;
  if (typeof value !== "object" || value === null) return String(value);
  if (ArrayBuffer.isView(value)) return `${value.byteLength} bytes`;
  const isList = Array.isArray(value);
  const [open, close] = isList ? "[]" : "{}";
  if (depth === shownDepth) return `${open}...${close}`;
  const entries = isList ? value.slice(0, shownItems + 1).entries() : entriesOf(value);
  const texts: string[] = [];
  for (const [key, item] of entries)
    if (texts.length < shownItems)
      texts.push(isList ? shown(item, depth + 1) : `${shown(key, depth + 1)}:${shown(item, depth + 1)}`);
    else {
      texts.push("...");
      break;
    }
  return open + texts.join(",") + close;
}

const entriesOf = (value: object): Iterable<[unknown, unknown]> =>
  value instanceof Map ? value : Object.entries(value);

const shortened = (text: string) => (text.length > 120 ? `${text.slice(0, 117)}...` : text);

function sentenceWithPath(sentence: string, path: string | undefined): string {
  return path === undefined || sentence.includes(path) ? sentence : `${path}: ${sentence}`;
}
