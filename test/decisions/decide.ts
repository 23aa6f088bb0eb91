import type { Decision } from "../../src/decisions/decision.js";

/** A decision of anna's, unless told otherwise; `minute` says when. */
export const decide = (
  kind: Decision["kind"],
  keys: string[],
  action: Decision["action"],
  { minute = 0, ...rest }: Partial<Decision> & { minute?: number } = {},
): Decision => ({
  kind,
  keys,
  action,
  by: "anna",
  at: new Date(Date.UTC(2026, 0, 31, 9, minute)).toISOString(),
  ...rest,
});
