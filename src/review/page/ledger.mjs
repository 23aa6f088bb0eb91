/** What a decision is about, as the toolkit has it: the order of the keys does not matter. */
const subjectOf = ({ kind, keys }) => JSON.stringify([kind, ...[...keys].sort()]);

/** A kind or an action as files have it. */
export const inSnakeCase = (text) => text.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const inCamelCase = (text) => text.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());

/** What the audit proposes has no time, and what is written by hand may have none. */
const timeOf = ({ at }) => Date.parse(at) || 0;
/** Whether the earlier one is known: of decisions by hand without a time the later line holds. */
const areDated = (a, b) => a.by === "audit" || Boolean(a.at && b.at);

/** The decisions of everyone: of one person the later one holds, and none after an undo. */
export class Ledger {
  #bySubject = new Map();

  add(decision) {
    const subject = subjectOf(decision);
    const people = this.#bySubject.get(subject) ?? new Map();
    const before = people.get(decision.by);
    if (before !== undefined && areDated(before, decision) && timeOf(before) > timeOf(decision)) return;
    people.set(decision.by, decision);
    this.#bySubject.set(subject, people);
  }

  #of(item) {
    return [...(this.#bySubject.get(subjectOf(item))?.values() ?? [])].filter(
      ({ action }) => action !== "undo",
    );
  }

  /** What a person decided on an item. */
  mine(item, by) {
    return this.#of(item).find((decision) => decision.by === by);
  }

  others(item, by) {
    return this.#of(item).filter((decision) => decision.by !== by);
  }

  /** Whether two people who are sure decided differently. */
  isDisputed(item) {
    const sure = this.#of(item).filter(({ action }) => action !== "unsure");
    return (
      new Set(sure.map(({ action, to }) => JSON.stringify([action, action === "relabel" ? to : ""]))).size > 1
    );
  }

  /** The decisions that hold, as the lines of a file. */
  *lines() {
    for (const people of this.#bySubject.values())
      for (const decision of people.values())
        if (decision.action !== "undo") {
          const { kind, action, ...rest } = decision;
          yield `${JSON.stringify({ kind: inSnakeCase(kind), keys: rest.keys, action: inSnakeCase(action), ...rest })}\n`;
        }
  }
}

/** Reads a file of decisions; what is no decision is counted, not taken. */
export function readLines(text) {
  const decisions = [];
  let bad = 0;
  for (const line of text.split("\n")) {
    if (line.trim() === "") continue;
    try {
      const { kind, keys, action, by, at = "", ...rest } = JSON.parse(line);
      const isWhole =
        [kind, action, by, at].every((value) => typeof value === "string") &&
        Array.isArray(keys) &&
        (by === "audit" || !Number.isNaN(Date.parse(at)));
      if (isWhole)
        decisions.push({ kind: inCamelCase(kind), keys, action: inCamelCase(action), ...rest, by, at });
      else bad++;
    } catch {
      bad++;
    }
  }
  return { decisions, bad };
}
