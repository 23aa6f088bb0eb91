import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { writeFile } from "../util/write-file.js";
import type { Together } from "../util/write-together.js";
import { decisionLines } from "./append-decision.js";
import { auditor, type Decision, subjectOf } from "./decision.js";
import { lineEnd, readDecisions } from "./read-decisions.js";

export interface WrittenProposals {
  /** Lines that are new in decisions.jsonl. */
  added: number;
  /** Proposals that the audit no longer makes, and that nobody had touched. */
  withdrawn: number;
  /** Lines of people, and proposals that they changed. */
  people: number;
  /** Where decisions.jsonl is to be moved first, which is of another corpus, and what it is about. */
  aside?: { path: string; lines: number; such: string };
}

/** The file to be edited. */
export const decisionsIn = (folder: string): string => join(folder, "decisions.jsonl");

/** What the audit proposed, by which edits show. */
export const proposalsIn = (folder: string): string => join(folder, "proposals.jsonl");

/**
 * Writes what the audit proposes: proposals.jsonl, and decisions.jsonl with the same lines to be edited; to be put into a folder with
 * other files.
 *
 * Where decisions.jsonl is there already, it is kept: the lines of people and those that were changed stay as they are, what was
 * deleted stays deleted, and only new proposals are added. What was edited shows against the proposals.jsonl of the run before.
 * Where it is about another corpus, it is to be moved aside.
 *
 * @param isKnown whether a key is one of the corpus, of an utterance or a speaker
 */
export async function writeProposals(
  { at }: Pick<Together, "at">,
  folder: string,
  proposals: readonly Decision[],
  isKnown: (key: string) => boolean,
): Promise<WrittenProposals> {
  const decided = decisionsIn(folder);
  const proposed = proposalsIn(folder);
  const lines = [...decisionLines(proposals)];
  const aside = otherCorpus(decided, isKnown);
  const { text, ...counts } =
    existsSync(decided) && aside === undefined
      ? mergedText(decided, existsSync(proposed) ? readDecisions(proposed).decisions : [], proposals)
      : { text: lines, added: lines.length, withdrawn: 0, people: 0 };
  await writeFile(at(decided), text);
  await writeFile(at(proposed), lines);
  return { ...counts, aside };
}

/** A file of which not one line is about the corpus: it is of another, or was carried out. */
function otherCorpus(path: string, isKnown: (key: string) => boolean): WrittenProposals["aside"] {
  if (!existsSync(path)) return undefined;
  const { decisions } = readDecisions(path);
  if (decisions.length === 0 || decisions.some(({ keys }) => keys.some(isKnown))) return undefined;
  const named = (number: number) => path.replace(/\.jsonl$/, `-${number}.jsonl`);
  let number = 1;
  while (existsSync(named(number))) number++;
  return { path: named(number), lines: decisions.length, such: decisions[0]!.keys[0]! };
}

/** The lines of a file that was edited, and what is to be added to them. */
function mergedText(
  path: string,
  before: readonly Decision[],
  now: readonly Decision[],
): Omit<WrittenProposals, "aside"> & { text: string[] } {
  const { decisions } = readDecisions(path);
  const isProposed = new Set(now.map(wordsOf));
  const wasProposed = new Set(before.map(wordsOf));
  // A run that was killed may have written the decisions and not the proposals.
  const isUntouched = (decision: Decision) => {
    const words = wordsOf(decision);
    return decision.by === auditor && (wasProposed.has(words) || isProposed.has(words));
  };
  const isKept = (decision: Decision) => !isUntouched(decision) || isProposed.has(wordsOf(decision));
  const subjects = new Set(decisions.map(subjectOf));
  const there = new Set(decisions.filter(isKept).map(subjectOf));
  const deleted = new Set(before.map(subjectOf).filter((subject) => !subjects.has(subject)));
  const added = now.filter((proposal) => {
    const subject = subjectOf(proposal);
    return !there.has(subject) && !deleted.has(subject);
  });
  // As they stand: a person may have written more into a line than is read here.
  const lines = readFileSync(path, "utf8")
    .split(lineEnd)
    .filter((line) => line.trim() !== "");
  const kept = lines.filter((_, i) => decisions[i] !== undefined && isKept(decisions[i]));
  return {
    text: [...kept.map((line) => `${line.trim()}\n`), ...decisionLines(added)],
    added: added.length,
    withdrawn: decisions.length - kept.length,
    people: decisions.filter((decision) => !isUntouched(decision)).length,
  };
}

/** What a proposal says, without its time. */
const wordsOf = ({ action, to, parts, ...decision }: Decision): string =>
  JSON.stringify([subjectOf(decision), action, to, parts]);
