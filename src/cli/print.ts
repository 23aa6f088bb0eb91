import { printable } from "../shared/printable.js";

/** Prints a line. File names in it may hold control characters, which are replaced. */
export const printLine = (line: string): void => console.log(printable(line));
