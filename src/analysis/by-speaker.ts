import { invalid } from "../errors.js";
import { quantity } from "../shared/text.js";
import { groupBy } from "../util/group-by.js";
import { speakerIdentity } from "../util/speaker-identity.js";

/** The same rows without those whose speaker is unknown; an error when that is all of them. */
export function withSpeakers<Row extends { speakerId: string | null }>(
  rows: readonly Row[],
): (Row & { speakerId: string })[] {
  const known = rows.filter((row): row is Row & { speakerId: string } => row.speakerId !== null);
  if (known.length === 0 && rows.length > 0)
    throw invalid(
      `No speaker is known of ${quantity(rows.length, "utterance")}, and this needs to know whose they are. Give a corpus with speakers.`,
    );
  return known;
}

/** Rows of one speaker. */
export interface SpeakerGroup {
  /** `dataset_speaker`, as in the files. */
  key: string;
  dataset: string;
  speakerId: string;
  /** Indices of the speaker's rows, ascending. */
  rows: number[];
}

/** Groups rows by speaker, in the order of first rows. */
export function bySpeaker(rows: readonly { dataset: string; speakerId: string }[]): SpeakerGroup[] {
  const groups = groupBy(rows.keys(), (i) => speakerIdentity(rows[i]!));
  return Array.from(groups.values(), (own) => {
    const { dataset, speakerId } = rows[own[0]!]!;
    return { key: `${dataset}_${speakerId}`, dataset, speakerId, rows: own };
  });
}
