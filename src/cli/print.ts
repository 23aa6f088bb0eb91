import { printable } from "../shared/printable.js";

/** Prints a line. What is in it may come from file names, so nothing in it steers the terminal or begins another line. */
export const printLine = (line: string): void => console.log(printable(line));
