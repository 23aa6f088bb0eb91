/**
 * What went wrong with an input: `invalid` (it is there but not as it must be), `missing` (it is not there),
 * `unknown` (a name nobody has), `unsupported` (well formed, but not something this package can do),
 * `conflict` (two things that cannot both be), `interrupted` (stopped on request).
 */
export type ErrorTag = "invalid" | "missing" | "unknown" | "unsupported" | "conflict" | "interrupted";

export interface ErrorDetail {
  /** What was found. */
  got?: unknown;
  /** What would have been right, or what to do. */
  want?: string;
  /** The file or folder concerned. */
  path?: string;
  /** The error underneath. */
  cause?: unknown;
}

/**
 * The one error class of this package. Match it by `tag`, not by `instanceof`: workers and second copies of the
 * module lose identity.
 *
 * The message reads `<subject>: <tag> <what>: got <got>, expected <want> (<path>)`.
 */
export class ScopeError extends Error {
  readonly tag: ErrorTag;
  readonly subject: string;
  readonly got: unknown;
  readonly want: string | undefined;
  readonly path: string | undefined;

  constructor(tag: ErrorTag, subject: string, what: string, detail: ErrorDetail = {}) {
    const got = detail.got === undefined ? "" : `got ${show(detail.got)}`;
    const want = detail.want === undefined ? "" : `expected ${detail.want}`;
    const facts = [got, want].filter(Boolean).join(", ");
    super(
      `${subject}: ${tag} ${what}${facts && `: ${facts}`}${detail.path === undefined ? "" : ` (${detail.path})`}`,
      detail.cause === undefined ? undefined : { cause: detail.cause },
    );
    this.name = "ScopeError";
    this.tag = tag;
    this.subject = subject;
    this.got = detail.got;
    this.want = detail.want;
    this.path = detail.path;
  }
}

export const invalid = (subject: string, what: string, detail?: ErrorDetail) =>
  new ScopeError("invalid", subject, what, detail);
export const missing = (subject: string, what: string, detail?: ErrorDetail) =>
  new ScopeError("missing", subject, what, detail);
export const unknown = (subject: string, what: string, detail?: ErrorDetail) =>
  new ScopeError("unknown", subject, what, detail);
export const unsupported = (subject: string, what: string, detail?: ErrorDetail) =>
  new ScopeError("unsupported", subject, what, detail);
export const conflict = (subject: string, what: string, detail?: ErrorDetail) =>
  new ScopeError("conflict", subject, what, detail);
export const interrupted = (subject: string, what: string, detail?: ErrorDetail) =>
  new ScopeError("interrupted", subject, what, detail);

/** The message of anything that was thrown. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Throws when the signal is aborted. */
export function throwIfAborted(subject: string, abortSignal: AbortSignal | undefined): void {
  if (abortSignal?.aborted) throw interrupted(subject, "on request", { cause: abortSignal.reason });
}

function show(value: unknown): string {
  if (typeof value === "string") return value.length > 120 ? `"${value.slice(0, 117)}..."` : `"${value}"`;
  if (typeof value === "number" || typeof value === "boolean" || value === null) return String(value);
  return JSON.stringify(value) ?? String(value);
}
