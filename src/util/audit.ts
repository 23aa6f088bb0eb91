import { reasonOf, shown, throwIfAborted } from "../errors.js";

export type Audit = ReturnType<typeof openAudit>;

/** Counts what was checked and collects the problems. */
export function openAudit(abortSignal: AbortSignal | undefined) {
  const checked: Record<string, number> = {};
  const problems: string[] = [];
  const count = (what: string) => {
    throwIfAborted("Verifying", abortSignal);
    checked[what] = (checked[what] ?? 0) + 1;
  };
  const problem = (what: string) => {
    problems.push(what);
  };
  return {
    count,
    problem,
    /** Calls a function and notes its exception as a problem, unless it is that all of this was stopped. */
    async attempt<Result>(what: string, action: () => Result | Promise<Result>): Promise<Result | undefined> {
      try {
        return await action();
      } catch (error) {
        if (abortSignal?.aborted) throw error;
        problem(`${what}: ${reasonOf(error)}`);
        return undefined;
      }
    },
    /** Notes a problem unless two things are equal. */
    same(what: string, got: unknown, want: unknown) {
      if (got !== want) problem(`${what}: got ${shown(got)}, expected ${shown(want)}`);
    },
    result: () => ({ checked, problems }),
  };
}
