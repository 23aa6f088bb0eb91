import { readFileSync } from "node:fs";
import { inspect, stripVTControlCharacters } from "node:util";
import type { Problem } from "./language/requests.js";
import type { ErrorContent } from "./replies.js";
import { CompileError } from "./session.js";

/** The user stopped the cell. */
export class KernelInterrupted extends Error {
  override readonly name = "KernelInterrupted";
  constructor() {
    super("interrupted");
  }
}

type MapPosition = (name: string, line: number, column: number) => [number, number] | null;

/** Stack frames of the kernel, and of Node.js, which are left out below the cell's own. */
const machinery = /[\\/](?:dist[\\/]kernels[\\/]speakerscope|tslab[\\/]dist)[\\/]/;
const platform = /^node:|^internal[\\/]/;

/** How a cell is named in a stack trace. */
export const cellName = (count: number): string => `cell[${count}]`;
const isCell = (file: string): boolean => /^cell\[\d+\]$/.test(file);

/** Makes stack traces give lines and columns of the cell as typed, also where the user prints them. */
export function installStackTraces(mapBack: MapPosition): void {
  Error.prepareStackTrace = (error, sites) => {
    const lines = sites.map((site) => {
      const file = site.getFileName() ?? "node:";
      const text = String(site);
      const at = mapBack(file, site.getLineNumber() ?? 0, site.getColumnNumber() ?? 0);
      if (at) return { text: text.replace(/:\d+:\d+(?=\)?$)/, `:${at[0]}:${at[1]}`) };
      const isKernel = !isCell(file) && machinery.test(file);
      return { text, isKernel, isPlatform: platform.test(file) };
    });
    const last = lines.findLastIndex((line) => !line.isKernel && !line.isPlatform);
    // An error of the kernel itself keeps all its frames.
    const kept = last < 0 ? lines : lines.slice(0, last + 1).filter((line) => !line.isKernel);
    return [header(error), ...kept.map((line) => `    at ${line.text}`)].join("\n");
  };
}

function header(error: Error): string {
  try {
    return Error.prototype.toString.call(error);
  } catch {
    return "Error";
  }
}

/**
 * The error message of a cell: name, text and a traceback that quotes the line of the cell where it happened.
 *
 * @param sourceOf the text of a cell by its name
 */
export function errorContent(
  error: unknown,
  cell: string,
  sourceOf: (name: string) => string | undefined,
  colors: boolean,
): ErrorContent {
  if (error instanceof CompileError) return compileErrorContent(error, cell, sourceOf(cell) ?? "", colors);
  if (error instanceof KernelInterrupted)
    return {
      ename: error.name,
      evalue: error.message,
      traceback: [
        paint("KernelInterrupted: the cell was interrupted; variables it had set are kept.", colors),
      ],
    };
  if (!isErrorLike(error)) {
    const text = inspect(error);
    return { ename: "Uncaught", evalue: text, traceback: [paint(`Uncaught ${text}`, colors)] };
  }
  // Without any frame, inspect puts brackets around an error.
  const lines = inspect(error, { colors: false, depth: 4 })
    .replace(/^\[(.*)\]$/s, "$1")
    .split("\n");
  const at = lines.findIndex((line) => frame.test(line));
  if (at >= 0) lines.splice(at + 1, 0, ...excerptOf(lines[at], sourceOf));
  const first = lines.findIndex((line) => anyFrame.test(line));
  if (first >= 0 && first !== at) lines.splice(first + 1, 0, ...excerptOfFile(lines[first]));
  lines[0] = paint(lines[0], colors);
  return { ename: nameOf(error), evalue: stripVTControlCharacters(String(error.message)), traceback: lines };
}

const frame = /\b(cell\[\d+\]):(\d+):(\d+)/;

function excerptOf(line: string, sourceOf: (name: string) => string | undefined): string[] {
  const [, name, row, column] = frame.exec(line) as RegExpExecArray;
  const text = sourceOf(name)?.split("\n")[Number(row) - 1];
  return text === undefined ? [] : quote(text, Number(row), Number(column), 1);
}

const anyFrame = /^ +at /;
const fileFrame = /\(?(\/[^()]+\.[cm]?tsx?):(\d+):(\d+)\)?$/;

/** The place in a TypeScript file beside the notebook, as it is now. */
function excerptOfFile(line: string): string[] {
  const [, path, row, column] = fileFrame.exec(line) ?? [];
  if (path === undefined || /[\\/]node_modules[\\/]/.test(path)) return [];
  try {
    const text = readFileSync(path, "utf8").split(/\r?\n/)[Number(row) - 1];
    return text === undefined ? [] : quote(text, Number(row), Number(column), 1);
  } catch {
    return [];
  }
}

/** The line with its number, and a marker below the place. */
function quote(text: string, line: number, column: number, length: number): string[] {
  const label = `    ${line} | `;
  const width = Math.max(1, Math.min(length, text.length - column + 1));
  // Tabs are kept, so that the marker is aligned.
  const blank = text.slice(0, column - 1).replace(/[^\t]/g, " ");
  return [label + text, `${" ".repeat(label.length)}${blank}${width === 1 ? "^" : "~".repeat(width)}`];
}

function compileErrorContent(
  { name, problems, notes }: CompileError,
  cell: string,
  source: string,
  colors: boolean,
): ErrorContent {
  const lines = source.split("\n");
  const place = (p: Problem) => `${p.file ?? cell}:${p.line}:${p.column}`;
  const traceback = problems.flatMap((p) => {
    const [first, ...rest] = p.message.split("\n");
    const text = p.file === null ? lines[p.line - 1] : p.text;
    return [
      paint(`${place(p)} - error TS${p.code}: ${first}`, colors),
      ...rest,
      ...(text === undefined ? [] : quote(text, p.line, p.column, p.length)),
    ];
  });
  const [first] = problems;
  return {
    ename: name,
    evalue: `${place(first)} - ${first.message.split("\n")[0]}`,
    traceback: [...traceback, ...notes],
  };
}

const paint = (text: string, colors: boolean): string => (colors ? `\x1b[31m${text}\x1b[39m` : text);

/** Also accepts errors of other realms, and of libraries that do not use `Error`. */
function isErrorLike(error: unknown): error is Error {
  return typeof error === "object" && error !== null && "stack" in error && "message" in error;
}

function nameOf(error: Error): string {
  const name = error.name || error.constructor?.name || "Error";
  return name === "Error" ? error.constructor?.name || name : name;
}
