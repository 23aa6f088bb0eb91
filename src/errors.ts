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
  /** What would have been right: of the older form alone, which fills slots instead of writing a sentence. */
  want?: string;
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
  readonly subject: string;
  readonly got: unknown;
  readonly want: string | undefined;
  readonly path: string | undefined;

  constructor(tag: ErrorTag, sentence: string, detail?: ErrorDetail);
  constructor(tag: ErrorTag, subject: string, what: string, detail?: ErrorDetail);
  constructor(
    tag: ErrorTag,
    text: string,
    whatOrDetail: string | ErrorDetail = {},
    oldDetail: ErrorDetail = {},
  ) {
    const old = typeof whatOrDetail === "string";
    const detail: ErrorDetail = old ? oldDetail : whatOrDetail;
    super(
      old ? slots(tag, text, whatOrDetail, oldDetail) : sentenceWithPath(text, detail.path),
      detail.cause === undefined ? undefined : { cause: detail.cause },
    );
    this.name = "ScopeError";
    this.tag = tag;
    this.subject = old ? text : "";
    this.got = detail.got;
    this.want = detail.want;
    this.path = detail.path;
  }
}

interface Thrower {
  (sentence: string, detail?: ErrorDetail): ScopeError;
  (subject: string, what: string, detail?: ErrorDetail): ScopeError;
}

const thrower =
  (tag: ErrorTag): Thrower =>
  (text: string, second?: string | ErrorDetail, third?: ErrorDetail) =>
    typeof second === "string" ? new ScopeError(tag, text, second, third) : new ScopeError(tag, text, second);

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

function slots(tag: ErrorTag, subject: string, what: string, detail: ErrorDetail): string {
  const got = detail.got === undefined ? "" : `got ${shown(detail.got)}`;
  const want = detail.want === undefined ? "" : `expected ${detail.want}`;
  const facts = [got, want].filter(Boolean).join(", ");
  const path = detail.path === undefined ? "" : ` (${detail.path})`;
  return `${subject}: ${tag} ${what}${facts && `: ${facts}`}${path}`;
}
