/** One error of the compiler; line and column count from 1. */
export interface Problem {
  line: number;
  column: number;
  length: number;
  message: string;
  code: number;
  /** The file, if it is not the cell. */
  file: string | null;
  /** The line of that file. */
  text?: string;
}

/** A TypeScript or JavaScript file beside the notebook. */
export interface Source {
  path: string;
  code: string;
  map: string | null;
  /** Its imports that are such files, too. */
  imports: [specifier: string, path: string][];
}

export interface Converted {
  problems: Problem[];
  /** What the cell declares at top level, also if it was refused. */
  names: string[];
  output: string;
  map: string | null;
  imports: Source["imports"];
  /** What this cell declares. */
  declared: string;
  /** All declarations that hold after it has run. */
  declarations: string;
  isAsync: boolean;
  sources: Source[];
}

export interface Completion {
  matches: string[];
  /** The kind of each match: `function`, `property`... */
  types: string[];
  /** The text that a match replaces, in UTF-16 units. */
  start: number;
  end: number;
}

/** Type, documentation and source of a name. */
export interface Information {
  name: string;
  signature: string;
  documentation: string;
  tags: string[];
  source: { file: string; isCell: boolean; text: string } | null;
}

/** A compiled cell. */
export interface Compiled extends Converted {
  /** Lines for the user about the problems. */
  notes: string[];
  /** The whole cell is timed. */
  isTimed: boolean;
  /** The name under which other cells import it. A module cell does not run by itself. */
  module: string | null;
}

export interface Completeness {
  status: "complete" | "incomplete" | "invalid";
  indent?: string;
}

/** What the compiler can be asked. Each question carries the session's declarations; only module cells are kept. */
export interface Questions {
  compile(declarations: string, code: string): Compiled;
  merge(before: string, after: string, set: string[]): string;
  sources(specifier: string, from: string): { path: string | null; sources: Source[] };
  values(declarations: string): { name: string; type: string }[];
  complete(declarations: string, code: string, position: number): Completion;
  inspect(declarations: string, code: string, positions: number[]): Information | null;
  completeness(code: string): Completeness;
}

export interface Asked {
  id: number;
  question: keyof Questions;
  given: unknown[];
}

export interface Answered {
  id: number;
  answer?: unknown;
  error?: { name: string; message: string; stack?: string };
}

export interface CompilerData {
  folder: string;
  /** Module cells by their names. */
  modules: Map<string, string>;
}
