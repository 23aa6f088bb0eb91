import { join } from "node:path";
import type { SplitSpeaker } from "../audit/split-corpus.js";
import { delimiterOf, records } from "../corpus/sources/table.js";
import { invalid, missing } from "../errors.js";
import { csvLine } from "../format/csv.js";
import { statsOf } from "../util/stats-of.js";

/** The table that says who is in which part. */
export const speakersFile = "speakers.csv";

/** A row of it. */
export interface SpeakerRow extends SplitSpeaker {
  /** In the part: without those that were left out. */
  utterances: number;
  /** Undefined where it is not known of each. */
  seconds?: number;
}

const columns = ["dataset", "speaker", "person", "part", "utterances", "seconds"] as const;

/** The table as CSV. Names stand as they are: what `--keep` reads has to be what was written. */
export function* speakersCsv(rows: Iterable<SpeakerRow>): Generator<string> {
  yield csvLine(columns);
  for (const { dataset, speakerId, person, part, utterances, seconds } of rows)
    yield csvLine([
      dataset,
      speakerId,
      person,
      part,
      utterances,
      seconds === undefined ? "" : Number(seconds.toFixed(3)),
    ]);
}

/**
 * Reads who was in which part; of the columns dataset, speaker and part are needed. Whose part is empty is not kept anywhere.
 *
 * @param given the table, or the folder of the split that it is of
 * @throws `missing` where there is none, `invalid` for another table
 */
export async function readSpeakers(given: string): Promise<Omit<SplitSpeaker, "person">[]> {
  const path = statsOf(given)?.isDirectory() ? join(given, speakersFile) : given;
  if (!statsOf(path)?.isFile())
    throw missing(
      `${path} does not exist. Give ${speakersFile}, which \`speakerscope split\` wrote, or a table with dataset, speaker and part.`,
      { path },
    );
  let places: number[] | undefined;
  const speakers: Omit<SplitSpeaker, "person">[] = [];
  for await (const { cells, line } of records(path, await delimiterOf(path), true)) {
    if (places === undefined) {
      places = ["dataset", "speaker", "part"].map((name) => cells.indexOf(name));
      if (places.includes(-1))
        throw invalid(
          `${path} has the columns ${cells.join(", ")}. To say who is in which part it has to have dataset, speaker and part, as ${speakersFile} of a split has.`,
          { path, got: cells },
        );
      continue;
    }
    const [dataset = "", speakerId = "", part = ""] = places.map((place) => cells[place]);
    if (speakerId === "") throw invalid(`Line ${line} of ${path} names no speaker.`, { path });
    if (part !== "") speakers.push({ dataset, speakerId, part });
  }
  return speakers;
}
