import { closeSync, openSync } from "node:fs";

/** Opens a file for reading, and closes it whatever happens. */
export function withFile<Result>(path: string, use: (file: number) => Result): Result {
  const file = openSync(path, "r");
  try {
    return use(file);
  } finally {
    closeSync(file);
  }
}
