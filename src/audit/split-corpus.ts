import { conflict, invalid, unknown } from "../errors.js";
import { quantity } from "../shared/text.js";
import type { Span } from "../types.js";
import { compare } from "../util/compare.js";
import { demandList, demandWhole } from "../util/demand.js";
import { groupBy } from "../util/group-by.js";
import { orderedSum } from "../util/ordered-sum.js";
import { speakerIdentity } from "../util/speaker-identity.js";
import { speakerKey } from "./audit-corpus.js";
import { dealPeople, type Person } from "./deal-people.js";
import type { Finding } from "./finding.js";
import { isOfOnePerson, joinedKeys } from "./joined-keys.js";

/** What is dealt out: utterances, or speakers with the number of their utterances. */
export interface SplitRow {
  /** Of an utterance, by which findings name it. */
  key?: string;
  dataset: string;
  speakerId: string | null;
  /** How long it is; else its span says so. */
  seconds?: number;
  span?: Span;
  numUtterances?: number;
}

/** Where a speaker is. */
export interface SplitSpeaker<Part extends string = string> {
  dataset: string;
  speakerId: string;
  /** The first name, `dataset_speaker`, of all that are said to be one person. */
  person: string;
  part: Part;
}

export interface SplitOptions<Part extends string> {
  /** Share of each part, as { train: 0.8, dev: 0.1, test: 0.1 }; they sum to 1. */
  parts: Record<Part, number>;
  /**
   * Findings of an audit: names of one person (`leakage`, `splitSpeaker`) stay on one side; utterances with a wrong label, and
   * copies, are left out where they would put a voice on two.
   */
  avoid?: readonly Finding[];
  /** Findings below this probability are left aside; default 0.5. */
  leastProbability?: number;
  /** Speakers who stay where an earlier split has them: its `speakers`. */
  keep?: readonly Omit<SplitSpeaker, "person">[];
  /** A whole number: other people come into the parts for another one. */
  seed?: number;
}

export interface SplitCorpus<Row, Part extends string> {
  /** The rows of every part, in their order. */
  parts: Record<Part, Row[]>;
  /** Where everybody is, in order of data sets and names. */
  speakers: SplitSpeaker<Part>[];
  /** Utterances with a wrong label whose right speaker is on another side or unknown, and copies of what is on another side. */
  leftOut: Row[];
  summary: {
    /** Whether parts were measured in seconds, or in utterances because some row has no duration. */
    unit: "seconds" | "utterances";
    /** What each part came to, and of how many people. */
    parts: Record<Part, { amount: number; share: number; people: number }>;
    /** Rows of unknown speakers, which are in no part: they may be anybody. */
    unlabelled: number;
    /** Rows that were left out. */
    leftOut: number;
  };
}

/**
 * Deals a corpus out into train, dev, test or other parts so that nobody is on two sides: all rows of a speaker go into one
 * part, and so do speakers that an audit found to be one person. An utterance that seems to be of somebody on another side is
 * left out.
 *
 * People with most speech are dealt out first, each to the part that is relatively emptiest and has room, and of which they are no
 * more than a third where that can be; then people are exchanged where shares are missed. Every part gets somebody. Shares are of seconds where every row has them, else of utterances. The result is the same for any order of the
 * rows, but for the order within the parts. A name of two people may put one of them on the wrong side too: correct those before.
 *
 * @param rows utterances, or speakers
 * @throws `invalid` for parts that do not sum to 1, for fewer people than parts, also where too many are kept in others, and for a number of utterances that is none;
 *   `unknown` for a speaker who is kept in a part that is none; `conflict` for one person who is kept in two
 * @example
 * const { findings } = await audit(utterances);
 * const { parts, summary } = splitCorpus(utterances, {
 *   parts: { train: 0.8, dev: 0.1, test: 0.1 },
 *   avoid: findings,
 * });
 */
export function splitCorpus<Row extends SplitRow, Part extends string>(
  rows: readonly Row[],
  { parts, avoid = [], leastProbability = 0.5, keep = [], seed }: SplitOptions<Part>,
): SplitCorpus<Row, Part> {
  demandList(rows, "splitCorpus takes the list of utterances, or of speakers");
  const names = Object.keys(parts) as Part[];
  checkShares(parts, names);
  if (!(leastProbability >= 0 && leastProbability <= 1))
    throw invalid(`leastProbability is ${leastProbability}. It has to lie between 0 and 1.`, {
      got: leastProbability,
    });
  if (seed !== undefined) demandWhole("seed", seed, 0);
  const known = rows.filter(({ speakerId }) => speakerId !== null) as (Row & { speakerId: string })[];
  const { unit, amountOf } = measureOf(known);

  const found = avoid.filter(({ probability }) => probability >= leastProbability);
  const ofOnePerson = amongNames(found.filter(isOfOnePerson), known);
  const first = joinedKeys(ofOnePerson);
  const joined = new Set(ofOnePerson.flatMap(({ keys }) => keys));
  const personOf = (speaker: { dataset: string; speakerId: string }) => {
    const key = speakerKey(speaker);
    return joined.has(key) ? first(key) : speakerIdentity(speaker);
  };
  const kept = keptSides(keep, names, personOf);
  const people: Person[] = Array.from(groupBy(known, personOf), ([name, own]) => ({
    name,
    amount: orderedSum(own.map(amountOf)),
    side: kept.get(name),
  })).sort((a, b) => compare(a.name, b.name));
  if (people.length === 0)
    throw invalid(
      `No speaker is known of ${quantity(rows.length, "utterance")}, so nobody can be dealt out. Give a corpus with speakers.`,
      { got: 0 },
    );
  if (people.length < names.length)
    throw invalid(
      `There ${people.length === 1 ? "is 1 person" : `are ${people.length} people`} for ${names.length} parts, and each needs somebody. Give fewer parts.`,
      { got: people.length },
    );

  const all = people.reduce((sum, { amount }) => sum + amount, 0) || 1;
  const rooms = names.map((name) => parts[name] * all);
  const sides = dealPeople(people, rooms, seed);
  const deserted = names.find((_, side) => !sides.includes(side));
  if (deserted !== undefined)
    throw invalid(
      `Nobody is left for ${deserted}: too many people are kept in other parts. Keep fewer, or leave the part out.`,
      { got: deserted },
    );
  const partOf = new Map(people.map(({ name }, i) => [name, names[sides[i]!]!]));

  const out = strays(known, found, (row) => partOf.get(personOf(row))!);
  const dealt = Object.fromEntries(names.map((name) => [name, [] as Row[]])) as Record<Part, Row[]>;
  const leftOut: Row[] = [];
  for (const row of known) {
    const part = partOf.get(personOf(row))!;
    (out.has(row) ? leftOut : dealt[part]).push(row);
  }
  const amounts = names.map((name) => orderedSum(dealt[name].map(amountOf)));
  const whole = amounts.reduce((sum, x) => sum + x, 0) || 1;
  return {
    parts: dealt,
    speakers: speakersOf(known, personOf, partOf),
    leftOut,
    summary: {
      unit,
      parts: Object.fromEntries(
        names.map((name, side) => [
          name,
          {
            amount: amounts[side]!,
            share: amounts[side]! / whole,
            people: sides.filter((one) => one === side).length,
          },
        ]),
      ) as SplitCorpus<Row, Part>["summary"]["parts"],
      unlabelled: rows.length - known.length,
      leftOut: leftOut.length,
    },
  };
}

function checkShares<Part extends string>(parts: Record<Part, number>, names: readonly Part[]): void {
  const total = names.reduce((sum, name) => sum + parts[name], 0);
  if (names.some((name) => !(parts[name] > 0)) || Math.abs(total - 1) > 1e-6)
    throw invalid(
      `The shares ${names.map((name) => `${name} ${parts[name]}`).join(", ")} are no split. Give shares above 0 that sum to 1.`,
      { got: parts },
    );
}

/** How much a row counts: its seconds where all have them, else its utterances. */
function measureOf(known: readonly (SplitRow & { speakerId: string })[]) {
  const unit = known.every((row) => secondsOf(row) !== undefined)
    ? ("seconds" as const)
    : ("utterances" as const);
  const amountOf = (row: SplitRow) => (unit === "seconds" ? secondsOf(row)! : (row.numUtterances ?? 1));
  const wrong = known.find((row) => !isAmount(amountOf(row)));
  if (wrong !== undefined)
    throw invalid(
      `${speakerKey(wrong)} has ${wrong.numUtterances} utterances. Give their number, or leave numUtterances out.`,
      { got: wrong.numUtterances },
    );
  return { unit, amountOf };
}

/** How long a row is, where that is known. */
export function secondsOf({ seconds, span }: Pick<SplitRow, "seconds" | "span">): number | undefined {
  if (isAmount(seconds)) return seconds;
  return span?.end === undefined ? undefined : span.end - span.start;
}

/** NaN, as in a table where a duration is missing, is none. */
const isAmount = (value: number | null | undefined): value is number => Number.isFinite(value) && value! >= 0;

/** Findings by names of speakers also where two of their utterances were compared. */
function amongNames(
  found: readonly Finding[],
  known: readonly (SplitRow & { speakerId: string })[],
): Pick<Finding, "keys">[] {
  const open = new Set(found.flatMap(({ keys }) => keys));
  for (const row of open.size === 0 ? [] : known) open.delete(speakerKey(row));
  const nameOf = new Map<string, string>();
  for (const row of open.size === 0 ? [] : known)
    if (row.key !== undefined && open.has(row.key)) nameOf.set(row.key, speakerKey(row));
  return found.map(({ keys }) => ({ keys: keys.map((key) => nameOf.get(key) ?? key) }));
}

/** The sides of people who stay where they were. */
function keptSides(
  keep: readonly Omit<SplitSpeaker, "person">[],
  names: readonly string[],
  personOf: (speaker: { dataset: string; speakerId: string }) => string,
): Map<string, number> {
  const sides = new Map<string, { side: number; key: string }>();
  for (const speaker of keep) {
    const key = speakerKey(speaker);
    const side = names.indexOf(speaker.part);
    if (side < 0)
      throw unknown(
        `${key} is kept in ${speaker.part}, which is none of the parts ${names.join(", ")}. Name the part, or do not keep its people.`,
        { got: speaker.part },
      );
    const before = sides.get(personOf(speaker));
    if (before !== undefined && before.side !== side)
      throw conflict(
        `${before.key} is kept in ${names[before.side]} and ${key} in ${names[side]}, and ${before.key === key ? "nobody can be in both" : "they are one person"}. Take one of them out of what is kept.`,
        { got: [before.key, key] },
      );
    sides.set(personOf(speaker), { side, key });
  }
  return new Map(Array.from(sides, ([person, { side }]) => [person, side]));
}

/** The utterances that would put a voice on two sides: their right speaker, or the same recording, is on another one. */
function strays<Row extends SplitRow & { speakerId: string }>(
  known: readonly Row[],
  found: readonly Finding[],
  partOf: (row: Row) => string,
): ReadonlySet<SplitRow> {
  const ofClips = found.filter(({ kind }) => ["wrongLabel", "equalFiles", "nearCopies"].includes(kind));
  const named = new Set(ofClips.flatMap(({ keys }) => keys));
  const rowOf = new Map<string, Row>();
  const partsOf = new Map<string, Set<string>>();
  for (const row of ofClips.length === 0 ? [] : known) {
    if (row.key !== undefined && named.has(row.key)) rowOf.set(row.key, row);
    const name = speakerKey(row);
    partsOf.set(name, (partsOf.get(name) ?? new Set()).add(partOf(row)));
  }
  const out = new Set<SplitRow>();
  for (const { kind, keys, remedy } of ofClips) {
    const own = keys.flatMap((key) => rowOf.get(key) ?? []);
    const to = "to" in remedy ? remedy.to : undefined;
    if (kind === "wrongLabel") {
      for (const row of own) {
        // As `applyDecisions` does: a name of the corpus, or what a speaker of the recording's own data set is called.
        const parts =
          to === undefined
            ? undefined
            : (partsOf.get(to) ?? partsOf.get(speakerKey({ dataset: row.dataset, speakerId: to })));
        if (parts?.size !== 1 || !parts.has(partOf(row))) out.add(row);
      }
    } else if (new Set(own.map(partOf)).size > 1) {
      const kept = own.find(({ key }) => key === to) ?? own[0];
      for (const row of own) if (row !== kept) out.add(row);
    }
  }
  return out;
}

function speakersOf<Part extends string>(
  known: readonly { dataset: string; speakerId: string }[],
  personOf: (speaker: { dataset: string; speakerId: string }) => string,
  partOf: ReadonlyMap<string, Part>,
): SplitSpeaker<Part>[] {
  const seen = new Map<string, SplitSpeaker<Part>>();
  for (const { dataset, speakerId } of known) {
    const id = speakerIdentity({ dataset, speakerId });
    if (seen.has(id)) continue;
    const person = personOf({ dataset, speakerId });
    seen.set(id, { dataset, speakerId, person, part: partOf.get(person)! });
  }
  const speakers = [...seen.values()].sort(
    (a, b) => compare(a.dataset, b.dataset) || compare(a.speakerId, b.speakerId),
  );
  // A person is called by a name that the corpus has: findings may join it with those of others.
  const named = new Map<string, string>();
  for (const speaker of speakers) {
    const key = speakerKey(speaker);
    const other = named.get(speaker.person);
    if (other === undefined || compare(key, other) < 0) named.set(speaker.person, key);
  }
  return speakers.map((speaker) => ({ ...speaker, person: named.get(speaker.person)! }));
}
