import { speakerKey } from "../audit/audit-corpus.js";
import { type SplitCorpus, secondsOf } from "../audit/split-corpus.js";
import { duration, quantity, whole } from "../shared/text.js";
import { type TextColumn, textTable } from "../shared/text-table.js";
import type { Utterance } from "../types.js";
import { groupBy } from "../util/group-by.js";
import type { SpeakerRow } from "./split-speakers.js";

/** Data sets that are listed. */
const mostDatasets = 10;

/** A part that is so far above its share is explained. */
const muchTooLarge = 0.01;

type Split = Pick<SplitCorpus<Utterance, string>, "summary" | "parts" | "leftOut">;

/**
 * What each part came to, of whom and of which data sets, line by line.
 *
 * @param asked the share of each part
 * @param kept speakers who stayed where an earlier split had them
 */
export function* splitText(
  split: Split,
  rows: readonly SpeakerRow[],
  asked: Record<string, number>,
  kept: number,
): Generator<string> {
  const { summary, leftOut } = split;
  const people = groupBy(rows, ({ person }) => person);
  const utterances = rows.reduce((sum, row) => sum + row.utterances, 0);
  const inTime = summary.unit === "seconds";
  const amountIn = (own: readonly SpeakerRow[]) =>
    own.reduce((sum, row) => sum + (inTime ? row.seconds! : row.utterances), 0);
  const names = people.size === rows.length ? "" : ` (${quantity(rows.length, "name")})`;
  yield `${quantity(utterances, "utterance")} of ${whole(people.size)} ${people.size === 1 ? "person" : "people"}${names}${inTime ? `, ${duration(amountIn(rows))}` : ""}`;
  if (!inTime) yield untimedText(split);
  yield* partTable(split, asked);
  yield* datasetTable(rows, Object.keys(asked), amountIn);
  yield* doubts(split, people, asked, kept, (own) => amountIn(own) / (amountIn(rows) || 1));
  if (leftOut.length > 0) {
    const first = leftOut.map(({ key }) => key).reduce((a, b) => (b < a ? b : a));
    yield `${inNoPart(leftOut.length, "")}, because the right speaker or a copy is on another side or not known, such as ${first}`;
  }
  if (summary.unlabelled > 0)
    yield `${inNoPart(summary.unlabelled, " of unknown speakers")}: they may be anybody`;
}

const inNoPart = (count: number, what: string) =>
  `${quantity(count, "utterance")}${what} ${count === 1 ? "is" : "are"} in no part`;

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

function untimedText({ parts, leftOut }: Split): string {
  const all = [...Object.values(parts).flat(), ...leftOut];
  const unknown = all.filter((row) => secondsOf(row) === undefined).length;
  const whose =
    unknown === all.length
      ? "they are"
      : `${quantity(unknown, "utterance")} of them ${unknown === 1 ? "is" : "are"}`;
  return `Parts are balanced by utterances, because it is not known how long ${whose}: --embeddings FOLDER of merged embeddings tells it`;
}

const numeric = (heading: string): TextColumn => ({ heading, align: "right" });

function partTable({ summary, parts }: Split, asked: Record<string, number>): string[] {
  const inTime = summary.unit === "seconds";
  const headings = ["asked", "got", "people", "utterances", ...(inTime ? ["length"] : [])];
  return textTable(
    [{ heading: "part" }, ...headings.map(numeric)],
    Object.entries(asked).map(([name, share]) => {
      const got = summary.parts[name]!;
      const own = [percent(share), percent(got.share), whole(got.people), whole(parts[name]!.length)];
      return [name, ...own, ...(inTime ? [duration(got.amount)] : [])];
    }),
  );
}

/** How each data set is shared out. */
function* datasetTable(
  rows: readonly SpeakerRow[],
  names: readonly string[],
  amountIn: (own: readonly SpeakerRow[]) => number,
): Generator<string> {
  const datasets = [...groupBy(rows, ({ dataset }) => dataset)];
  if (datasets.length < 2) return;
  yield* textTable(
    [{ heading: "data set" }, ...names.map(numeric)],
    datasets.slice(0, mostDatasets).map(([dataset, own]) => {
      const byPart = groupBy(own, ({ part }) => part);
      const all = amountIn(own) || 1;
      return [dataset, ...names.map((name) => percent(amountIn(byPart.get(name) ?? []) / all))];
    }),
  );
  if (datasets.length > mostDatasets)
    yield `  and ${datasets.length - mostDatasets} more data sets, in speakers.csv`;
}

/** Why a part came to more than it should, and which is of one person although there are many. */
function* doubts(
  { summary }: Split,
  people: ReadonlyMap<string, readonly SpeakerRow[]>,
  asked: Record<string, number>,
  kept: number,
  shareOf: (own: readonly SpeakerRow[]) => number,
): Generator<string> {
  for (const [name, wanted] of Object.entries(asked)) {
    const { share, people: count } = summary.parts[name]!;
    const [person, own, largest] = [...people]
      .filter(([, [row]]) => row!.part === name)
      .map(([person, own]) => [person, own, shareOf(own)] as const)
      .reduce((a, b) => (b[2] > a[2] ? b : a));
    if (share - wanted > muchTooLarge) {
      const others = own.map(speakerKey).filter((key) => key !== person);
      const more = others.length > 3 ? ` and ${others.length - 3} more names` : "";
      const also = others.length === 0 ? "" : `, who is ${others.slice(0, 3).join(", ")}${more} too,`;
      const reason =
        largest > wanted
          ? `nobody is on two sides, and ${person}${also} alone has ${percent(largest)}`
          : kept > 0
            ? "--keep leaves people where they were"
            : "the people fit no better, whole as they are";
      yield `Warning: ${name} has ${percent(share)} where ${percent(wanted)} was asked for: ${reason}`;
    } else if (count === 1 && people.size > 2 * Object.keys(asked).length)
      yield `Note: ${name} is of one person, ${person}`;
  }
}
