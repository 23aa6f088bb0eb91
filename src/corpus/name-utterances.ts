import { conflict, shown } from "../errors.js";
import type { Utterance } from "../types.js";
import { compare } from "../util/compare.js";
import { flat } from "../util/flat.js";

export type OnCollision = "error" | "suffix";

type Unnamed = Omit<Utterance, "key" | "speakerKey">;

/** Says of an utterance where it is listed, for an error: its file, or its line in a manifest. */
export type PlaceOf = (utterance: Unnamed) => string;

/**
 * Sorts utterances by what their audio is known by, and gives each its key, `dataset_speaker_utterance`, or
 * `dataset__utterance` where the speaker is unknown. Array and utterances are changed in place: there may be millions.
 *
 * Joined with `_`, different names can give one key: the data sets `my_set` and `my` with the speakers `x` and
 * `set_x`, or `a.wav` beside `a.flac`. That would quietly overwrite results, so it is an error that names both, or with
 * `suffix` the later one in the order of the sort gets `~2`, `~3`, ...
 *
 * @throws `conflict` naming both places
 */
export function nameUtterances(
  unnamed: Unnamed[],
  onCollision: OnCollision = "error",
  placeOf: PlaceOf = ({ path }) => path,
): Utterance[] {
  const utterances = unnamed as Utterance[];
  utterances.sort((a, b) => compare(a.file, b.file));
  // Three kinds of names must be unique: the files of a speaker, the keys of speakers, the keys of utterances. Two files
  // that collide have one key too, so where that is an error anyway, no memory is spent on them.
  const names = (kind: string) => new Names(kind, onCollision, (index) => placeOf(utterances[index]!));
  const files = onCollision === "suffix" ? names("utterance") : undefined;
  const speakers = names("speaker");
  const keys = names("utterance");
  const speakerKeys = new Map<string, string>();
  for (const [index, utterance] of utterances.entries()) {
    const { dataset, speakerId } = utterance;
    const speaker = `${dataset}/${speakerId ?? ""}`;
    let speakerKey = speakerKeys.get(speaker);
    if (speakerKey === undefined) {
      speakerKey = speakers.take(`${dataset}_${speakerId ?? ""}`, index);
      speakerKeys.set(speaker, speakerKey);
    }
    if (files !== undefined)
      utterance.utteranceId = files
        .take(`${speaker}/${utterance.utteranceId}`, index)
        .slice(speaker.length + 1);
    utterance.key = keys.take(flat(speakerKey, "_", utterance.utteranceId), index);
    utterance.speakerKey = speakerId === null ? null : speakerKey;
  }
  return utterances;
}

/** Names, each taken once. */
class Names {
  /** The number of the utterance that has a name. */
  readonly #taken = new Map<string, number>();

  constructor(
    readonly kind: string,
    readonly onCollision: OnCollision,
    readonly placeAt: (index: number) => string,
  ) {}

  take(name: string, index: number): string {
    const other = this.#taken.get(name);
    if (other === undefined) {
      this.#taken.set(name, index);
      return name;
    }
    if (this.onCollision === "error")
      throw conflict(
        `The ${this.kind} key ${shown(name)} would be that of both ${this.placeAt(other)} and ${this.placeAt(index)}. Rename one, or give --on_collision suffix.`,
        { got: name },
      );
    let number = 2;
    while (this.#taken.has(`${name}~${number}`)) number++;
    return this.take(`${name}~${number}`, index);
  }
}
