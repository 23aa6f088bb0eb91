import { invalid, shown } from "../errors.js";
import { quantity } from "../shared/text.js";
import { readText } from "../util/read-file.js";
import { showTrials } from "./show-trials.js";
import type { ScoredTrial, Trial } from "./trial.js";

/** The order of the words in a line. */
export type TrialOrder =
  /** Kaldi, WeSpeaker. */
  | "enroll test label"
  /** VoxCeleb. */
  | "label enroll test"
  | "enroll test";

const labels: Record<string, boolean> = { target: true, nontarget: false, "1": true, "0": false };
const isLabel = (word: string) => Object.hasOwn(labels, word);

interface Line {
  words: string[];
  number: number;
}

/**
 * Reads a list of trials, a line each: `enroll test target|nontarget` as Kaldi and WeSpeaker write them, `1|0 enroll
 * test` as VoxCeleb has them, `enroll test 1|0`, or `enroll test` without labels. The order is detected from the whole file.
 *
 * @param order forces an order, for files where either end of a line could be the label
 * @returns the trials in the order of the file, and the order of the words
 * @throws missing when the file is not there; invalid for lines of different length, labels of other kinds, and ambiguous lines; the line is named
 * @example
 * writeFileSync("trials.txt", "1 a.wav b.wav\n0 a.wav c.wav\n");
 * const { trials, order } = readTrials("trials.txt"); // "label enroll test"
 */
export function readTrials(
  path: string,
  { order }: { order?: TrialOrder } = {},
): { trials: Trial[]; order: TrialOrder } {
  const lines = linesOf(path, "The list of trials", [2, 3], "enroll test [target|nontarget|1|0]");
  const found = order ?? orderOf(lines, path);
  const [enroll, test, label] = ["enroll", "test", "label"].map((name) => found.split(" ").indexOf(name));
  const width = found.split(" ").length;
  const labelled = labelsIn(path);
  const trials = lines.map(({ words, number }): Trial => {
    if (words.length !== width)
      throw invalid(`Line ${number} of ${path} has ${quantity(words.length, "word")}, not "${found}".`, {
        path,
      });
    const trial = { enroll: words[enroll], test: words[test] };
    if (label < 0) return trial;
    const isTarget = labelOf(words[label], number, path);
    labelled(trial, isTarget, number);
    return { ...trial, isTarget };
  });
  return { trials: showTrials(trials), order: found };
}

/**
 * Reads scored trials, a line each: `enroll test score label` as `speakerscope score` and WeSpeaker write them, `enroll
 * test label score` as SpeechBrain does, or `enroll test score` without labels.
 *
 * @throws missing when the file is not there; invalid for lines of other lengths, for scores that are not finite numbers,
 * for a trial that is labelled in two ways and for lines that can be read in two ways; the line is named
 * @example
 * writeFileSync("scores.txt", "a.wav b.wav 0.71 target\na.wav c.wav 0.08 nontarget\n");
 * equalErrorRate(readScores("scores.txt")).eer;
 */
export function readScores(path: string): ScoredTrial[] {
  const lines = linesOf(path, "The file of scores", [3, 4], "enroll test score [target|nontarget|1|0]");
  const width = lines[0].words.length;
  const [isLast, isThird] = [3, 2].map((at) => lines.every(({ words }) => isLabel(words[at])));
  if (width === 4 && isLast && isThird)
    throw invalid(
      `Every line of ${path} ends in two words that could be labels, so which is the score is not clear. Write the labels as target and nontarget, and the scores with a decimal point.`,
      { path },
    );
  const [score, label] = width === 3 ? [2, -1] : isThird ? [3, 2] : [2, 3];
  const labelled = labelsIn(path);
  const trials = lines.map(({ words, number }) => {
    const trial = { enroll: words[0], test: words[1], score: Number(words[score]) };
    // Other notations, such as 0x10, are more likely names.
    if (!Number.isFinite(trial.score) || !/^[-+.\deE]+$/.test(words[score]))
      throw invalid(
        `The score in line ${number} of ${path} is ${shown(words[score])}, not a finite number.`,
        {
          path,
          got: words[score],
        },
      );
    if (label < 0) return trial;
    const isTarget = labelOf(words[label], number, path);
    labelled(trial, isTarget, number);
    return { ...trial, isTarget };
  });
  return showTrials(trials);
}

/** Takes the labels of a file one by one; two utterances are of one speaker or not, in whichever order they are named. */
function labelsIn(path: string) {
  const labels = new Map<string, { isTarget: boolean; number: number }>();
  return ({ enroll, test }: Trial, isTarget: boolean, number: number): void => {
    const pair = enroll < test ? `${enroll}\n${test}` : `${test}\n${enroll}`;
    const before = labels.get(pair);
    if (before !== undefined && before.isTarget !== isTarget)
      throw invalid(
        `Lines ${before.number} and ${number} of ${path} label the same trial, ${enroll} ${test}, in two ways. Leave one of them.`,
        { path },
      );
    labels.set(pair, { isTarget, number });
  };
}

function linesOf(path: string, what: string, widths: number[], form: string): Line[] {
  const lines: Line[] = [];
  for (const [at, text] of readText(path, what).split("\n").entries()) {
    const words = text.split(/\s+/).filter(Boolean);
    if (words.length === 0) continue;
    const line = { words, number: at + 1 };
    if (!widths.includes(words.length))
      throw invalid(
        `Line ${line.number} of ${path} has ${quantity(words.length, "word")}: ${shown(text.trim())}. A line is "${form}".`,
        { path },
      );
    const first = lines[0] ?? line;
    if (words.length !== first.words.length)
      throw invalid(
        `Line ${line.number} of ${path} has ${quantity(words.length, "word")}, line ${first.number} has ${first.words.length}. All lines must have as many.`,
        { path },
      );
    lines.push(line);
  }
  if (lines.length === 0) throw invalid(`${what} ${path} is empty. A line is "${form}".`, { path });
  return lines;
}

function orderOf(lines: readonly Line[], path: string): TrialOrder {
  if (lines[0].words.length === 2) return "enroll test";
  // `target` and `nontarget` are surely labels; 0 and 1 could also be names.
  const every = (at: number, isOne: (word: string) => boolean) =>
    lines.every(({ words }) => isOne(words[at]));
  const isWord = (word: string) => isLabel(word) && word.length > 1;
  if (every(2, isWord)) return "enroll test label";
  if (every(0, isWord)) return "label enroll test";
  const [isFirst, isLast] = [every(0, isLabel), every(2, isLabel)];
  if (isFirst && isLast)
    throw invalid(
      `The lines of ${path} begin and end with 0 or 1. Say which is the label: readTrials(path, { order: "enroll test label" }).`,
      { path },
    );
  if (isFirst) return "label enroll test";
  // No column holds labels only: assume the column whose first entry is one, and report the first that is not.
  return isLast || !isLabel(lines[0].words[0]) ? "enroll test label" : "label enroll test";
}

function labelOf(word: string, line: number, path: string): boolean {
  if (isLabel(word)) return labels[word];
  throw invalid(
    `The label in line ${line} of ${path} is ${shown(word)}. It has to be target or nontarget, or 1 or 0.`,
    { path, got: word },
  );
}
