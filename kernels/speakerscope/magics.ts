import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { resolve } from "node:path";
import { displayValue } from "./display/display.js";
import type { Host } from "./host.js";
import { completeness, inspectAt, parseProblems } from "./language.js";
import type { Payload } from "./replies.js";
import type { Session } from "./session.js";

/** What a cell's text became: the code to compile, on the same lines, and whether all of it is timed. */
export interface Translated {
  code: string;
  timed: boolean;
}

/** What `__magic__` is in the code of a cell. */
export interface Magics {
  run(name: string, rest: string): Promise<void> | void;
  time<T>(work: () => Promise<T>): Promise<T>;
  begin(): void;
  end(): void;
}

/** One line for `%lsmagic`-minded people; docs/kernel.md has the same list. */
const help = [
  "%time statement   how long it takes",
  "%%time            how long the cell takes (first line)",
  "%env [NAME[=value]]   environment variables",
  "%cd [folder], %pwd    working directory",
  "!command          a shell command",
  "%who              variables",
  "%reset            forget them",
  "%load file        puts a file into the cell",
  "?name or name?    help",
].join("\n");

const line = /^(?:%(\w+)|(!)(?![!(=])|(\?))\s*(.*)$/;
const trailing = /^([\p{ID_Start}$_][\p{ID_Continue}$.]*)\?$/u;

/**
 * Turns lines that begin with `%`, `!` or `?` into calls of `__magic__`, wherever TypeScript expects a statement; line
 * numbers stay.
 */
export function translateMagics({ ts, variables }: Session, source: string): Translated {
  const timed = /^\s*%%time\b.*(?:\n|$)/.test(source);
  const lines = (timed ? source.replace("%%time", "//") : source).split("\n");
  if (!lines.some((text) => line.test(text) || trailing.test(text))) return { code: lines.join("\n"), timed };
  for (const [i, text] of lines.entries()) {
    const found = line.exec(text);
    const asked = found ? null : trailing.exec(text);
    if (!found && !asked) continue;
    // `!done` is TypeScript where there is such a variable.
    if (found?.[2] && Object.hasOwn(variables, /^[\p{ID_Continue}$]*/u.exec(found[4])?.[0] ?? "")) continue;
    // Inside a template, a comment or an open bracket the line is not a statement.
    if (completeness(ts, lines.slice(0, i).join("\n")).status === "incomplete") continue;
    if (asked) lines[i] = call("?", asked[1]);
    else if (found) lines[i] = translate(ts, found);
  }
  return { code: lines.join("\n"), timed };
}

function translate(ts: Session["ts"], [, name, bang, , rest]: RegExpExecArray): string {
  if (name === "time") {
    const isExpression = parseProblems(ts, `(${rest.replace(/;\s*$/, "")}\n)`).length === 0;
    if (isExpression) return `await __magic__.time(async () => (${rest.replace(/;\s*$/, "")}))`;
    return `__magic__.begin(); ${rest}${/[;}]\s*$/.test(rest) ? "" : ";"} __magic__.end();`;
  }
  return call(name ? name : bang ? "!" : "?", rest);
}

const call = (name: string, rest: string) =>
  `await __magic__.run(${JSON.stringify(name)}, ${JSON.stringify(rest)});`;

/** The magics of one session; `payload` takes what the next execute_reply tells the front end. */
export function createMagics(session: Session, host: Host, payload: (item: Payload) => void): Magics {
  const began: { wall: number; cpu: NodeJS.CpuUsage }[] = [];
  const table: Record<string, (rest: string) => Promise<void> | void> = {
    env(rest) {
      const [, name, value] = /^(?:([^=\s]+)\s*(?:[=\s]\s*(.*))?)?$/.exec(rest) ?? [];
      if (!name) {
        const lines = Object.entries(process.env).map(([key, text]) => `${key}=${text}`);
        console.log(lines.sort().join("\n"));
      } else if (value === undefined) console.log(process.env[name] ?? "");
      else {
        process.env[name] = value;
        console.log(`${name}=${value}`);
      }
    },
    cd(rest) {
      process.chdir(rest ? resolve(rest.replace(/^~(?=\/|$)/, homedir())) : homedir());
      console.log(process.cwd());
    },
    pwd: () => console.log(process.cwd()),
    who() {
      const names = session.names();
      const width = Math.max(0, ...names.map(({ name }) => name.length));
      console.log(
        names.map(({ name, type }) => `${name.padEnd(width)}  ${oneLine(type)}`).join("\n") || "no variables",
      );
    },
    reset: () => session.reset(),
    load(rest) {
      const text = readFileSync(resolve(rest), "utf8");
      payload({ source: "set_next_input", text: `// %load ${rest}\n${text}`, replace: true });
    },
    lsmagic: () => console.log(help),
    "!": (rest) => runShell(rest, host.signal()),
    "?"(rest) {
      const name = rest.replace(/[;()]+\s*$/, "");
      const found = inspectAt(session, name, name.length, 1);
      if (found) displayValue(found, { raw: true });
      else console.log(`${name}: unknown`);
    },
  };
  return {
    run(name, rest) {
      if (!Object.hasOwn(table, name)) throw new Error(`%${name}: unknown magic: expected one of\n${help}`);
      return table[name](rest.trim());
    },
    async time(work) {
      this.begin();
      try {
        return await work();
      } finally {
        this.end();
      }
    },
    begin: () => void began.push({ wall: performance.now(), cpu: process.cpuUsage() }),
    end() {
      const { wall, cpu } = began.pop() ?? { wall: performance.now(), cpu: process.cpuUsage() };
      const { user, system } = process.cpuUsage(cpu);
      console.log(
        `CPU time: ${duration((user + system) / 1000)}, wall time: ${duration(performance.now() - wall)}`,
      );
    },
  };
}

/** Runs a command, its output as it comes; an interrupt ends it with everything it started. */
async function runShell(command: string, signal: AbortSignal): Promise<void> {
  const shell = spawn(command, { shell: true, stdio: ["ignore", "pipe", "pipe"], cwd: process.cwd() });
  const stop = () => shell.kill("SIGINT");
  signal.addEventListener("abort", stop);
  shell.stdout.setEncoding("utf8").on("data", (text: string) => process.stdout.write(text));
  shell.stderr.setEncoding("utf8").on("data", (text: string) => process.stderr.write(text));
  const code = await new Promise<number | null>((done, fail) => {
    shell.on("error", fail);
    shell.on("close", done);
  });
  signal.removeEventListener("abort", stop);
  if (code !== 0 && !signal.aborted) console.error(`exit status ${code ?? "by a signal"}`);
}

const oneLine = (text: string) => {
  const short = text.replace(/\s+/g, " ");
  return short.length > 80 ? `${short.slice(0, 79)}…` : short;
};

const duration = (ms: number): string => (ms < 1000 ? `${ms.toFixed(1)} ms` : `${(ms / 1000).toFixed(2)} s`);
