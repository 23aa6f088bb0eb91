import type { Command } from "commander";
import { quantity } from "../shared/text.js";
import { type ExtractionStatus, extractionStatus, quietMs } from "../store/extraction-status.js";
import { printLine } from "./print.js";
import { duration } from "./reporter.js";

export function statusCommand(program: Command): void {
  program
    .command("status")
    .argument("[folder]", "what extract writes", "embeddings_output")
    .action(async (folder: string) => {
      const status = await extractionStatus(folder);
      for (const line of statusLines(folder, status, Date.now())) printLine(line);
    });
}

/** The status as lines of text. */
export function statusLines(folder: string, status: ExtractionStatus, now: number): string[] {
  const { total, embedded, failed, left, absentShards, failedByStage, ranks } = status;
  const lines = [`${folder}: ${embedded + failed} of ${quantity(total, "file")} done, ${left} left`];
  if (absentShards.length > 0)
    lines.push(
      `shards that have not begun, files not counted: ${absentShards.slice(0, 20).join(", ")}${absentShards.length > 20 ? ", ..." : ""}`,
    );
  const stages = Array.from(failedByStage, ([stage, count]) => `${stage} ${count}`);
  if (failed > 0) lines.push(`failed: ${failed} (${stages.join(", ")})`);
  for (const { name, device, embedded: done, failed: bad, rate, lastAt, isRunning, damagedBytes } of ranks) {
    const ago = lastAt === 0 ? "nothing stored yet" : `last file ${duration((now - lastAt) / 1000)} ago`;
    lines.push(`${name} on ${device}: ${done} embedded, ${bad} failed, ${rate.toFixed(1)} files/s, ${ago}`);
    if (damagedBytes > 0 && !isRunning)
      lines.push(
        `  ${damagedBytes} bytes of its log are torn or damaged: what they held is done again by the next run`,
      );
  }
  const running = ranks.filter(({ isRunning }) => isRunning);
  const working = running.filter(({ lastAt }) => now - lastAt < quietMs);
  const rate = working.reduce((sum, rank) => sum + rank.rate, 0);
  if (left === 0) lines.push("nothing is left to embed: `speakerscope merge` comes next");
  else if (running.length === 0) lines.push("no rank is at work: `speakerscope extract` goes on from here");
  else if (working.length === 0)
    lines.push("an extraction is running, but has stored nothing in the last minute");
  else if (rate > 0)
    lines.push(
      `${quantity(working.length, "rank")} at work, ${rate.toFixed(1)} files/s together, about ${duration(left / rate)} left`,
    );
  return lines;
}
