import { conflict, shown } from "../errors.js";
import { groupBy } from "../util/group-by.js";
import { joined } from "../util/joined.js";
import { auditor, type Decision, inWords } from "./decision.js";

/**
 * Follows merges of names to the name that each ends up with: `b` to `a` and `c` to `b` make all three `a`.
 *
 * @param sizeOf utterances of a name: where no merge says how the person is called, the name of most is taken
 * @throws `conflict` where merges go in a circle, or give one person two names
 */
export function mergedNames(
  merges: readonly Decision[],
  sizeOf: (name: string) => number,
): (name: string) => string {
  const final = new Map<string, string>();
  for (const { names, own } of peopleOf(merges)) {
    const name = endOf(names, own) ?? largest(names, sizeOf);
    for (const each of names) final.set(each, name);
  }
  return (name) => final.get(name) ?? name;
}

const namesIn = ({ keys, to }: Decision) => (to === undefined ? keys : [...keys, to]);

/** The names of each person, with the merges that make them one. */
export function peopleOf(merges: readonly Decision[]): { names: string[]; own: Decision[] }[] {
  const personOf = joined(merges.map(namesIn));
  return Array.from(groupBy(merges, ({ keys }) => personOf(keys[0]!)).values(), (own) => ({
    names: [...new Set(own.flatMap(namesIn))],
    own,
  }));
}

/** The name that the merges of one person end at; undefined where none of them says so. */
function endOf(names: readonly string[], merges: readonly Decision[]): string | undefined {
  const told = merges.filter(({ to }) => to !== undefined);
  if (told.length === 0) return undefined;
  const renamed = new Set(told.flatMap(({ keys, to }) => keys.filter((key) => key !== to)));
  const called = told.filter(({ to }) => !renamed.has(to!));
  if (called.length === 0)
    throw conflict(
      `The merges of ${list(names)} go in a circle (${told.map(inWords).join("; ")}). Change the "to" of one of them.`,
      { got: names },
    );
  const byPeople = called.filter(({ by }) => by !== auditor);
  const ends = [...new Set((byPeople.length > 0 ? byPeople : called).map(({ to }) => to!))];
  if (ends.length > 1)
    throw conflict(
      `${list(names)} are one person, who would be called both ${list(ends)} (${called.map(inWords).join("; ")}). Give all of them the same "to".`,
      { got: ends },
    );
  return ends[0];
}

const largest = (names: readonly string[], sizeOf: (name: string) => number): string =>
  [...names].sort((a, b) => sizeOf(b) - sizeOf(a) || (a < b ? -1 : 1))[0]!;

const list = (names: readonly string[]) => names.map((name) => shown(name)).join(" and ");
