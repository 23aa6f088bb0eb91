import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { writeFile } from "../util/write-file.js";
import { decisionLines } from "./append-decision.js";
import { auditor, type Decision, subjectOf } from "./decision.js";
import { readDecisions } from "./read-decisions.js";

export interface WrittenProposals {
  /** Lines that are new in decisions.jsonl. */
  added: number;
  /** Proposals that the audit no longer makes, and that nobody had touched. */
  withdrawn: number;
  /** Lines of people, and proposals that they changed. */
  people: number;
}

/**
 * Writes what the audit proposes into a folder: proposals.jsonl, and decisions.jsonl with the same lines to be edited.
 *
 * Where decisions.jsonl is there already, it is kept: the lines of people and those that were changed stay as they are, what was
 * deleted stays deleted, and only new proposals are added. What was edited shows against the proposals.jsonl of the run before.
 */
export async function writeProposals(
  folder: string,
  proposals: readonly Decision[],
): Promise<WrittenProposals> {
  const decided = join(folder, "decisions.jsonl");
  const proposed = join(folder, "proposals.jsonl");
  const lines = [...decisionLines(proposals)];
  const { text, ...counts } = existsSync(decided)
    ? mergedText(decided, existsSync(proposed) ? readDecisions(proposed).decisions : [], proposals)
    : { text: lines, added: lines.length, withdrawn: 0, people: 0 };
  await writeFile(decided, text);
  await writeFile(proposed, lines);
  return counts;
}

/** The lines of a file that was edited, and what is to be added to them. */
function mergedText(
  path: string,
  before: readonly Decision[],
  now: readonly Decision[],
): WrittenProposals & { text: string[] } {
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
    .split("\n")
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
