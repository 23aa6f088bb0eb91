import { speakerKey } from "../audit/audit-corpus.js";
import type { Finding } from "../audit/finding.js";
import type { SplitSpeaker } from "../audit/split-corpus.js";
import { nameOf } from "../decisions/names.js";
import { unknown } from "../errors.js";
import { quantity } from "../shared/text.js";
import type { Utterance } from "../types.js";

/**
 * Looks whether findings and decisions, and who is kept, are of this corpus.
 *
 * @returns what is not, in words
 * @throws `unknown` where nobody who is kept is in it
 */
export function* checkKnown(
  utterances: readonly Pick<Utterance, "key" | "dataset" | "speakerId">[],
  {
    kept,
    keep,
    avoid,
  }: {
    kept: readonly Omit<SplitSpeaker, "person">[];
    /** The table that says who is kept. */
    keep?: string;
    avoid: readonly Finding[];
  },
): Generator<string> {
  const names = new Set(utterances.map(nameOf));
  const absent = kept.filter((speaker) => !names.has(speakerKey(speaker)));
  if (kept.length > 0 && absent.length === kept.length)
    throw unknown(
      `None of the ${quantity(kept.length, "speaker")} that ${keep} keeps is in the corpus: it has ${utterances.find(({ speakerId }) => speakerId !== null)?.dataset ?? "nobody known"} as a data set, and the table ${kept[0]!.dataset}. ` +
        "Is it of another corpus? Where neither layout nor manifest has a data set, --dataset names it.",
      { path: keep, got: speakerKey(kept[0]!) },
    );
  if (absent.length > 0)
    yield `${absent.length} of the ${quantity(kept.length, "speaker")} that ${keep} keeps ${absent.length === 1 ? "is" : "are"} not in the corpus, such as ${speakerKey(absent[0]!)}`;
  if (avoid.length === 0) return;
  const keys = new Set(utterances.map(({ key }) => key));
  const isKnown = ({ keys: own }: Finding) => own.some((key) => names.has(key) || keys.has(key));
  if (!avoid.some(isKnown))
    yield `nothing that was found or decided is about this corpus. The first of it is about ${avoid[0]!.keys.join(" and ")}, and the corpus begins with ${utterances[0]?.key}`;
}
