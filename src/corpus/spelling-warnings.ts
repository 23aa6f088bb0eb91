import type { Utterance } from "../types.js";

type Names = Pick<Utterance, "dataset" | "speakerId" | "utteranceId">;

/**
 * Warnings about names that look the same and are spelled differently: a letter with an accent can be one character or two
 * (Unicode NFC and NFD), as when one part of a corpus was copied from a Mac. To every program they are two names, so a
 * speaker spelled both ways counts as two. Data sets and speakers that differ in case or in blanks alone are such names too;
 * utterances may differ in case, as identifiers of videos do.
 */
export function spellingWarnings(utterances: Iterable<Names>): string[] {
  const levels = {
    "data set": new Spellings(alike),
    speaker: new Spellings(alike),
    utterance: new Spellings(composed),
  };
  let last: Names | undefined;
  for (const utterance of utterances) {
    const { dataset, speakerId, utteranceId } = utterance;
    if (dataset !== last?.dataset || speakerId !== last.speakerId) {
      levels["data set"].add("", dataset);
      if (speakerId !== null) levels.speaker.add(dataset, speakerId);
    }
    // Plain ASCII has one spelling, and is most of a large corpus.
    if (!isAscii(utteranceId)) levels.utterance.add(`${dataset}/${speakerId ?? ""}`, utteranceId);
    last = utterance;
  }
  return Object.entries(levels).flatMap(([level, { pairs, first }]) =>
    first === undefined
      ? []
      : `${pairs} ${level} name${pairs === 1 ? " looks" : "s look"} like another but ${pairs === 1 ? "is" : "are"} spelled with other ` +
        `characters, so both are kept apart: ${first.map(spelled).join(" and ")}; rename one if they mean the same`,
  );
}

/** The spellings of the names of one level. */
class Spellings {
  readonly #known = new Map<string, Set<string>>();
  /** Spellings beside the first one of a name. */
  pairs = 0;
  first: [string, string] | undefined;

  constructor(private readonly plain: (name: string) => string) {}

  add(parent: string, name: string): void {
    const key = `${composed(parent)}/${this.plain(name)}`;
    const known = this.#known.get(key);
    if (known === undefined) this.#known.set(key, new Set([name]));
    else if (!known.has(name)) {
      const [other] = known;
      this.first ??= [other!, name];
      this.pairs++;
      known.add(name);
    }
  }
}

const composed = (name: string) => name.normalize("NFC");

/** Without case, characters of no width, blanks around, and the kind and number of those between. */
const alike = (name: string) =>
  name
    .normalize("NFKC")
    .toLowerCase()
    .replace(/[\u200b-\u200d\u2060\ufeff\u00ad]/gu, "")
    .replace(/\s+/g, " ")
    .trim();

const isAscii = (text: string) => !/[^\0-\x7f]/.test(text);

/** A name with everything beyond ASCII as an escape, or the two could not be told apart. */
const spelled = (name: string) =>
  `"${name.replace(/[^ -~]/gu, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`)}"`;
