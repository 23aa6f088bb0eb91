import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { displayValue } from "./display/display.js";
import { variablesBundle } from "./display/variables.js";
import type { Host } from "./host.js";
import { pristine } from "./intrinsics.js";
import { magicHabits } from "./language/habits.js";
import { inspectAt } from "./language.js";
import type { Payload } from "./replies.js";
import { packageRoot } from "./resolve.js";
import type { Session } from "./session.js";

/** What `__magic__` is in the code of a cell. */
export interface Magics {
  run(name: string, rest: string, text?: string): Promise<void> | void;
  time<T>(work: () => Promise<T>): Promise<T>;
  begin(): void;
  end(): void;
}

/** Printed by `%lsmagic`; docs/kernel.md has the same list. */
const help = [
  "%time statement   how long it takes",
  "%%time            how long the cell takes (first line)",
  "%env [NAME[=value]]   environment variables",
  "%cd [folder], %pwd    working directory",
  "!command          a shell command",
  "%%bash, %%sh      the cell is a script for this shell (first line)",
  "%who              variables with their types, shapes and sizes",
  "%reset            forget them",
  "%load file        puts a file into the cell",
  "?name or name?    help; ?speakerscope lists what the package exports",
].join("\n");

/** The magics of one session; `payload` takes what the next execute_reply tells the front end. */
export function createMagics(session: Session, host: Host, payload: (item: Payload) => void): Magics {
  const began: { wall: number; cpu: NodeJS.CpuUsage }[] = [];
  const table: Record<string, (rest: string, text: string) => Promise<void> | void> = {
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
    async who() {
      const names = await session.names();
      const { variables } = session;
      pristine(() => {
        if (names.length === 0) console.log("no variables");
        else
          displayValue(variablesBundle(names.map((it) => ({ ...it, value: variables[it.name] }))), {
            raw: true,
          });
      });
    },
    reset: () => session.reset(),
    load(rest) {
      const text = readFileSync(resolve(rest), "utf8");
      payload({ source: "set_next_input", text: `// %load ${rest}\n${text}`, replace: true });
    },
    lsmagic: () => console.log(help),
    "!": async (rest) => {
      if (/^(?:python3? -m )?(?:pip3?|conda|mamba|uv)\s/.test(rest))
        console.error("This installs for Python. What cells import comes from npm: !npm install NAME");
      const status = await runShell(true, rest, host.signal());
      if (status !== null) console.error(status);
    },
    "%bash": (rest, text) => runScript("bash", rest, text, host.signal()),
    "%sh": (rest, text) => runScript("sh", rest, text, host.signal()),
    async "?"(rest) {
      const name = rest.replace(/[;()]+\s*$/, "");
      const found = await inspectAt(session, name, name.length, 1);
      pristine(() => {
        if (found) displayValue(found, { raw: true });
        else if (/^speakerscope(\/kernel)?$/.test(name)) displayValue(apiPage(), { raw: true });
        else console.log(`${name}: unknown`);
      });
    },
  };
  return {
    run(name, rest, text = "") {
      return pristine(() => {
        if (Object.hasOwn(table, name)) return table[name](rest.trim(), text);
        const habit =
          Object.hasOwn(magicHabits, name.replace(/^%/, "")) && magicHabits[name.replace(/^%/, "")];
        if (habit) return missingMagic(name, habit);
        throw new Error(`%${name} is an unknown magic. There are:\n${help}`);
      });
    },
    async time(work) {
      this.begin();
      try {
        return await work();
      } finally {
        this.end();
      }
    },
    begin: () => void pristine(() => began.push({ wall: performance.now(), cpu: process.cpuUsage() })),
    end() {
      const { wall, cpu } = pristine(() => began.pop()) ?? {
        wall: performance.now(),
        cpu: process.cpuUsage(),
      };
      const { user, system } = process.cpuUsage(cpu);
      console.log(
        `CPU time: ${duration((user + system) / 1000)}, wall time: ${duration(performance.now() - wall)}`,
      );
    },
  };
}

/** docs/api.md, every export with its line. Its links are for files of the package, which a notebook cannot open. */
function apiPage(): Record<string, string> {
  const page = readFileSync(join(packageRoot, "docs", "api.md"), "utf8");
  const markdown = page.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").replace(/<!--.*?-->\n*/gs, "");
  return { "text/plain": markdown, "text/markdown": markdown };
}

/** A set-up line that is needless here is only told of; where something was to be done, the cell fails. */
function missingMagic(name: string, habit: string): void {
  const line = `%${name} is IPython's. Here ${habit}.`;
  if (!/^(?:matplotlib|pylab|config|load_ext|autoreload)$/.test(name))
    throw Object.assign(new Error(line), { stack: `Error: ${line}` });
  console.log(line);
}

/** Runs a cell as a shell script; unlike a `!command`, a failure fails the cell. */
async function runScript(shell: string, rest: string, text: string, signal: AbortSignal): Promise<void> {
  const status = await runShell(shell, `set -- ${rest}\n${text}`, signal);
  if (status !== null) throw new Error(`%%${shell} ended with ${status}.`);
}

/** Runs a command and prints its output as it comes; an interrupt stops it and its children. Resolves to null on success. */
async function runShell(shell: string | true, command: string, signal: AbortSignal): Promise<string | null> {
  const child = spawn(command, { shell, stdio: ["ignore", "pipe", "pipe"], cwd: process.cwd() });
  const stop = () => child.kill("SIGINT");
  signal.addEventListener("abort", stop);
  child.stdout.setEncoding("utf8").on("data", (text: string) => process.stdout.write(text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => process.stderr.write(text));
  const [code] = (await once(child, "close")) as [number | null];
  signal.removeEventListener("abort", stop);
  return code === 0 || signal.aborted ? null : `exit status ${code ?? "by a signal"}`;
}

const duration = (ms: number): string => (ms < 1000 ? `${ms.toFixed(1)} ms` : `${(ms / 1000).toFixed(2)} s`);
