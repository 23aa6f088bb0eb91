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

/** Throws when the signal is aborted. */
export function throwIfAborted(subject: string, abortSignal: AbortSignal | undefined): void {
  if (abortSignal?.aborted) throw interrupted(subject, "on request", { cause: abortSignal.reason });
}

/** A value as an error message shows it: text in quotes and at most 120 characters of it. */
export function shown(value: unknown): string {
  if (typeof value === "string") return value.length > 120 ? `"${value.slice(0, 117)}..."` : `"${value}"`;
  if (typeof value === "number" || typeof value === "boolean" || value === null) return String(value);
  return JSON.stringify(value) ?? String(value);
}

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
