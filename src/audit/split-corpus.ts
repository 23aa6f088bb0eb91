import { invalid } from "../errors.js";
import { compare } from "../util/compare.js";
import { demandList } from "../util/demand.js";
import { speakerKey } from "./audit-corpus.js";
import { dealPeople } from "./deal-people.js";
import type { Finding } from "./finding.js";
import { isOfOnePerson, joinedKeys } from "./joined-keys.js";

/** What is dealt out: utterances, or speakers with the number of their utterances. */
export interface SplitRow {
  dataset: string;
  speakerId: string | null;
  seconds?: number;
  numUtterances?: number;
}

export interface SplitOptions<Part extends string> {
  /** Share of each part, as { train: 0.8, dev: 0.1, test: 0.1 }; they sum to 1. */
  parts: Record<Part, number>;
  /** Findings of an audit: names of one person (`leakage`, `splitSpeaker`) stay on one side. */
  avoid?: readonly Finding[];
  /** Findings below this probability are left aside; default 0.5. */
  leastProbability?: number;
}

export interface SplitCorpus<Row, Part extends string> {
  /** The rows of every part, in their order. */
  parts: Record<Part, Row[]>;
  summary: {
    /** Whether parts were measured in seconds, or in utterances because some row has no duration. */
    unit: "seconds" | "utterances";
    /** What each part came to, and of how many people. */
    parts: Record<Part, { amount: number; share: number; people: number }>;
    /** Rows of unknown speakers, which are in no part: they may be anybody. */
    unlabelled: number;
  };
}

/**
 * Deals a corpus out into train, dev, test or other parts so that nobody is on two sides: all rows of a speaker go into one
 * part, and so do speakers that an audit found to be one person.
 *
 * People with most speech are dealt out first, each to the part that is relatively emptiest and has room; every part gets
 * somebody. Shares are of seconds where every row has them, else of utterances. The result is the same for any order of the
 * rows, but for the order within the parts. Wrong labels and names of two people put voices on the wrong side too: correct
 * those before.
 *
 * @param rows utterances, or speakers
 * @throws `invalid` for parts that do not sum to 1, for fewer people than parts, and for a number of utterances that is none
 * @example
 * const { findings } = await audit(utterances);
 * const { parts, summary } = splitCorpus(utterances, {
 *   parts: { train: 0.8, dev: 0.1, test: 0.1 },
 *   avoid: findings,
 * });
 */
export function splitCorpus<Row extends SplitRow, Part extends string>(
  rows: readonly Row[],
  { parts, avoid = [], leastProbability = 0.5 }: SplitOptions<Part>,
): SplitCorpus<Row, Part> {
  demandList(rows, "splitCorpus takes the list of utterances, or of speakers");
  const names = Object.keys(parts) as Part[];
  const total = names.reduce((sum, name) => sum + parts[name], 0);
  if (names.some((name) => !(parts[name] > 0)) || Math.abs(total - 1) > 1e-6)
    throw invalid(
      `The shares ${names.map((name) => `${name} ${parts[name]}`).join(", ")} are no split. Give shares above 0 that sum to 1.`,
      { got: parts },
    );
  if (!(leastProbability >= 0 && leastProbability <= 1))
    throw invalid(`leastProbability is ${leastProbability}. It has to lie between 0 and 1.`, {
      got: leastProbability,
    });
  const known = rows.filter(({ speakerId }) => speakerId !== null);
  const unit = known.every(({ seconds }) => isAmount(seconds)) ? "seconds" : "utterances";
  const amountOf = ({ seconds, numUtterances = 1 }: SplitRow) =>
    unit === "seconds" ? seconds! : numUtterances;
  const wrong = known.find((row) => !isAmount(amountOf(row)));
  if (wrong !== undefined)
    throw invalid(
      `${speakerKey({ dataset: wrong.dataset, speakerId: wrong.speakerId! })} has ${wrong.numUtterances} utterances. Give their number, or leave numUtterances out.`,
      { got: wrong.numUtterances },
    );

  const found = avoid.filter((finding) => isOfOnePerson(finding) && finding.probability >= leastProbability);
  const personOf = joinedKeys(found);
  const joined = new Set(found.flatMap(({ keys }) => keys));
  const keyOf = ({ dataset, speakerId }: SplitRow) => {
    const key = speakerKey({ dataset, speakerId: speakerId! });
    // Two speakers may share a key: `my_set`/`x` and `my`/`set_x`.
    return joined.has(key) ? personOf(key) : `${dataset}\0${speakerId}`;
  };
  // Sums of seconds depend on the order in their last digits, and a tie must not.
  const amounts = new Map<string, number[]>();
  for (const row of known) {
    const person = keyOf(row);
    const own = amounts.get(person);
    if (own === undefined) amounts.set(person, [amountOf(row)]);
    else own.push(amountOf(row));
  }
  const people = Array.from(amounts, ([name, values]) => ({
    name,
    amount: values.sort((a, b) => a - b).reduce((sum, x) => sum + x),
  })).sort((a, b) => compare(a.name, b.name));
  if (people.length < names.length)
    throw invalid(`There are ${people.length} speakers for ${names.length} parts. Give fewer parts.`, {
      got: people.length,
    });

  const all = people.reduce((sum, { amount }) => sum + amount, 0) || 1;
  const sides = dealPeople(
    people,
    names.map((name) => parts[name] * all),
  );
  const sideOf = new Map(people.map(({ name }, i) => [name, names[sides[i]!]!]));

  const dealt = Object.fromEntries(names.map((name) => [name, [] as Row[]])) as Record<Part, Row[]>;
  for (const row of known) dealt[sideOf.get(keyOf(row))!].push(row);
  return {
    parts: dealt,
    summary: {
      unit,
      parts: Object.fromEntries(
        names.map((name, side) => {
          const own = people.filter((_, i) => sides[i] === side);
          const amount = own.reduce((sum, person) => sum + person.amount, 0);
          return [name, { amount, share: amount / all, people: own.length }];
        }),
      ) as SplitCorpus<Row, Part>["summary"]["parts"],
      unlabelled: rows.length - known.length,
    },
  };
}

/** NaN, as in a table where a duration is missing, is none. */
const isAmount = (value: number | null | undefined): boolean => Number.isFinite(value) && value! >= 0;
