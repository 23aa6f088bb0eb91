import { invalid, shown } from "../errors.js";
import { writeFile } from "../util/write-file.js";
import type { ScoredTrial } from "./trial.js";

/**
 * Writes scored trials, a line each: `enroll test score target|nontarget`, without the label where there is none, as
 * WeSpeaker does. `readScores` reads them back.
 *
 * @throws invalid for names with spaces in them
 * @example
 * await writeScores("scores.txt", trialScores);
 */
export function writeScores(path: string, scored: readonly ScoredTrial[]): Promise<void> {
  return writeFile(path, linesOf(scored));
}

function* linesOf(scored: readonly ScoredTrial[]): Generator<string> {
  for (const { enroll, test, score, isTarget } of scored) {
    const spaced = [enroll, test].find((name) => name === "" || /\s/.test(name));
    if (spaced !== undefined)
      throw invalid(
        `The name ${shown(spaced)} is empty or has a space in it, which parts words in a file of scores. Rename it.`,
        { got: spaced },
      );
    const label = isTarget === undefined ? "" : isTarget ? " target" : " nontarget";
    yield `${enroll} ${test} ${decimal(score)}${label}\n`;
  }
}

/** Always with a decimal point, so that no score looks like a label. */
const decimal = (score: number) => (Number.isInteger(score) ? score.toFixed(1) : String(score));
