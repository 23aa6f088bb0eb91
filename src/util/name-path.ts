import { basename } from "node:path";
import { isTemporary } from "./temporary.js";

/** What to do where the system does not write; by its code. */
const remedies: Record<string, string> = {
  ENOSPC: "Make room on that disk, then run the same again.",
  EDQUOT: "Your share of that disk is used up: make room, then run the same again.",
  EFBIG: "The file system, or ulimit -f, does not take so large a file: write elsewhere, or raise the limit.",
  EACCES: "Write elsewhere, or have the right to write there given to you.",
  EPERM: "Write elsewhere, or have the right to write there given to you.",
  EEXIST: "A file is in the place of a folder there: write elsewhere.",
  ENOTDIR: "A file is in the place of a folder there: write elsewhere.",
  EROFS: "That disk is mounted to be read only: write elsewhere.",
};

/**
 * A system error of writing that names what was to be written, and says what to do: writes through an open file say "no space left
 * on device, write" and not where, and others name a temporary file.
 */
export function namePath(error: unknown, path: string): unknown {
  const { code, syscall, path: known } = error as NodeJS.ErrnoException;
  if (!(error instanceof Error) || code === undefined || "tag" in error) return error;
  // What was to be written may come from a file that cannot be read.
  if (syscall === "read" || (known !== undefined && known !== path && !isTemporary(basename(known))))
    return error;
  // What Node.js says ends in the call and, where it knows them, the paths.
  const what = error.message.replace(/, \w+( '.*)?$/s, "");
  const remedy = remedies[code] === undefined ? "" : `. ${remedies[code]}`;
  error.message = `${what}, ${syscall === "open" ? "open" : "write"} '${path}'${remedy}`;
  return Object.assign(error, { path });
}
