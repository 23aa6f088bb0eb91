/**
 * Adds the path to a system error that does not have it: writes through an open file say "no space left on device, write"
 * and not where.
 */
export function namePath(error: unknown, path: string): unknown {
  const { code, path: known } = error as NodeJS.ErrnoException;
  if (!(error instanceof Error) || code === undefined || known !== undefined) return error;
  error.message += ` '${path}'`;
  return Object.assign(error, { path });
}
