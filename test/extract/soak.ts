import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { speakerscope, startSpeakerscope } from "../cli.js";
import { contentsOf } from "../tiny.js";

export interface SoakOptions {
  /** A folder to work in. */
  cwd: string;
  /** Flags of the corpus. */
  source: string[];
  /** Flags of the model. */
  model: string[];
  kills: number;
  /** Kills fall between 0 and this after a start. */
  withinMs: number;
  seed?: number;
  onKill?: (line: string) => void;
}

/**
 * Kills the pipeline with SIGKILL at random moments, the parent or one of its ranks, with a number of ranks that
 * changes, then lets it finish; gives the merged files of that and of a run that nobody disturbed.
 */
export async function soak(
  options: SoakOptions,
): Promise<{ disturbed: Record<string, string>; calm: Record<string, string> }> {
  const { cwd, source, model, kills, withinMs, seed = 1, onKill } = options;
  const random = randomNumbers(seed);
  const args = (output: string, ranks: number) => [
    "run",
    ...[...source, "--output_dir", output, "--final_dir", "final", "--device", "cpu"],
    ...["--num_ranks", String(ranks), "--similarity_threshold", "0.5", ...model],
  ];
  for (let kill = 0; kill < kills; kill++) {
    const ranks = 1 + Math.floor(random() * 3);
    const run = startSpeakerscope(args("disturbed", ranks), { cwd });
    const wait = random() * withinMs;
    await Promise.race([new Promise((resolve) => setTimeout(resolve, wait)), run.ended]);
    const children = childrenOf(run.pid!);
    const victim =
      random() < 0.5 || children.length === 0 ? run.pid! : children[Math.floor(random() * children.length)]!;
    onKill?.(
      `kill ${kill + 1}: ${victim === run.pid ? "parent" : "rank"} of ${ranks} ranks after ${wait.toFixed(0)} ms`,
    );
    try {
      process.kill(victim, "SIGKILL");
    } catch {
      // It ended by itself in the meantime.
    }
    if (victim !== run.pid && run.exitCode === null) {
      // The command starts that rank again; after a while it is the parent's turn.
      await Promise.race([new Promise((resolve) => setTimeout(resolve, random() * withinMs)), run.ended]);
      run.kill("SIGKILL");
    }
    await run.ended;
  }
  const finish = (output: string) => {
    rmSync(join(cwd, "final"), { recursive: true, force: true });
    const { status, stdout, stderr } = speakerscope(args(output, 2), { cwd });
    if (status !== 0) throw new Error(`exit ${status}\n${stdout}${stderr}`);
    return contentsOf(join(cwd, "final"));
  };
  return { disturbed: finish("disturbed"), calm: finish("calm") };
}

function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

if (require.main === module) {
  // npm run soak: the bundled speech with the real model.
  const { temporaryFolder } = require("../tiny.js") as typeof import("../tiny.js");
  const kills = Number(process.argv[2] ?? 50);
  const dataRoot = join(__dirname, "..", "..", "data", "speech");
  soak({
    cwd: temporaryFolder(),
    source: ["--data_root", dataRoot],
    model: [],
    kills,
    withinMs: 4000,
    seed: Date.now() >>> 0,
    onKill: console.log,
  }).then(({ disturbed, calm }) => {
    const equal = JSON.stringify(disturbed) === JSON.stringify(calm);
    console.log(
      `${kills} kills: the ${Object.keys(calm).length} merged files are ${equal ? "the same to the byte" : "DIFFERENT"}`,
    );
    process.exitCode = equal ? 0 : 1;
  });
}
