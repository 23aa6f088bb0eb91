import { join } from "node:path";
import { speakerKey } from "../audit/audit-corpus.js";
import { type SplitCorpus, type SplitSpeaker, secondsOf } from "../audit/split-corpus.js";
import type { Corpus, ManifestFormat } from "../corpus/corpus.js";
import { manifestInto, oldManifest } from "../corpus/write-manifest.js";
import { invalid, throwIfAborted } from "../errors.js";
import { quantity } from "../shared/text.js";
import type { Utterance } from "../types.js";
import { groupBy } from "../util/group-by.js";
import { orderedSum } from "../util/ordered-sum.js";
import { speakerIdentity } from "../util/speaker-identity.js";
import { writeFile } from "../util/write-file.js";
import type { Together } from "../util/write-together.js";
import { type SpeakerRow, speakersCsv, speakersFile } from "./split-speakers.js";
import { splitText } from "./split-text.js";
import type { StageContext } from "./stage.js";

export interface SplitPlaces {
  outputDir: string;
  /** What the manifests of the parts are written as, and how they end. */
  format: ManifestFormat;
  ending: string;
  /** Where an earlier split in this folder has its speakers. */
  before: readonly Omit<SplitSpeaker, "person">[];
  /** How many speakers stay where they were. */
  kept: number;
}

/**
 * Writes a split into a folder: a manifest of each part, as the corpus has it, and speakers.csv. Reports what each part came to.
 *
 * @param files of the folder
 * @throws `invalid` for a part of which nothing is left; as `writeManifest` does
 */
export async function publishSplit(
  files: Together,
  split: SplitCorpus<Utterance, string>,
  corpus: Pick<Corpus, "manifest">,
  asked: Record<string, number>,
  { outputDir, format, ending, before, kept }: SplitPlaces,
  { reporter, abortSignal }: StageContext,
): Promise<void> {
  const parts = Object.keys(asked);
  const empty = parts.find((part) => split.parts[part]!.length === 0);
  if (empty !== undefined)
    throw invalid(
      `Nothing is left of ${empty}: all that its people say seems to be of others. Correct the labels first (\`speakerscope apply\`), or give another --seed.`,
      { got: empty },
    );
  const rows = speakerRows(split);
  // It comes first: without it, parts are taken for somebody else's.
  await writeFile(files.at(join(outputDir, speakersFile)), speakersCsv(rows));
  const old: string[] = [];
  for (const part of parts) {
    throwIfAborted("Writing the parts", abortSignal);
    const utterances = split.parts[part]!;
    const path = join(outputDir, part + ending);
    old.push(...oldManifest(await manifestInto(files, { ...corpus, utterances }, path, { format })));
  }
  files.commit(old);
  for (const line of splitText(split, rows, asked, kept)) reporter.log(line);
  for (const line of movedText(rows, before, outputDir)) reporter.log(line);
  reporter.log(
    `Written to ${outputDir}: ${[...parts.map((part) => part + (ending || "/")), speakersFile].join(", ")}`,
  );
}

function speakerRows({ parts, speakers }: SplitCorpus<Utterance, string>): SpeakerRow[] {
  const own = groupBy(Object.values(parts).flat(), speakerIdentity);
  return speakers.map((speaker) => {
    const utterances = own.get(speakerIdentity(speaker)) ?? [];
    const seconds = utterances.map((row) => secondsOf(row) ?? Number.NaN);
    return {
      ...speaker,
      utterances: utterances.length,
      seconds: seconds.every(Number.isFinite) ? orderedSum(seconds) : undefined,
    };
  });
}

/** What becomes of an earlier split in the same folder. */
function* movedText(
  rows: readonly SpeakerRow[],
  before: SplitPlaces["before"],
  outputDir: string,
): Generator<string> {
  const partOf = new Map(rows.map((row) => [speakerKey(row), row.part]));
  const gone = before.filter((speaker) => !partOf.has(speakerKey(speaker)));
  const moved = before.filter((speaker) => {
    const now = partOf.get(speakerKey(speaker));
    return now !== undefined && now !== speaker.part;
  });
  if (moved.length > 0)
    yield `Warning: ${quantity(moved.length, "speaker")} of the split that was in ${outputDir} ${moved.length === 1 ? "is" : "are"} in another part now, such as ${speakerKey(moved[0]!)}. --keep leaves them where an earlier split has them`;
  if (gone.length > 0)
    yield `Warning: ${quantity(gone.length, "speaker")} of the split that was in ${outputDir} ${gone.length === 1 ? "is" : "are"} not in this corpus, such as ${speakerKey(gone[0]!)}`;
}
