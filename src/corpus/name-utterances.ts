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
  const names = (kind: string, nameOf: (utterance: Utterance) => string) =>
    new Names(kind, onCollision, {
      most: utterances.length,
      nameAt: (index) => nameOf(utterances[index]!),
      placeAt: (index) => placeOf(utterances[index]!),
    });
  const fileNameOf = ({ dataset, speakerId, utteranceId }: Utterance) =>
    `${dataset}/${speakerId ?? ""}/${utteranceId}`;
  const files = onCollision === "suffix" ? names("utterance", fileNameOf) : undefined;
  const speakerKeyOf = ({ dataset, speakerId }: Utterance) =>
    speakerKeys.get(`${dataset}/${speakerId ?? ""}`)!;
  const speakers = names("speaker", speakerKeyOf);
  const keys = names("utterance", ({ key }) => key);
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
      utterance.utteranceId = files.take(fileNameOf(utterance), index).slice(speaker.length + 1);
    utterance.key = keys.take(flat(speakerKey, "_", utterance.utteranceId), index);
    utterance.speakerKey = speakerId === null ? null : speakerKey;
  }
  return utterances;
}

interface Held {
  /** Most names that there will be. */
  most: number;
  /** The name that was taken for an utterance. */
  nameAt: (index: number) => string;
  placeAt: (index: number) => string;
}

/**
 * Names, each taken once. The utterances hold them already, so a table of numbers is enough to find them again: as the keys
 * of a Map, those of a million utterances would take ten times the memory.
 */
class Names {
  /** Number of the utterance that has the name, counted from 1; 0 where the place is free. At most half are taken. */
  readonly #table: Int32Array;

  constructor(
    readonly kind: string,
    readonly onCollision: OnCollision,
    readonly held: Held,
  ) {
    this.#table = new Int32Array(2 ** Math.ceil(Math.log2(2 * held.most + 2)));
  }

  take(name: string, index: number): string {
    const place = this.#placeOf(name);
    const other = this.#table[place]! - 1;
    if (other < 0) {
      this.#table[place] = index + 1;
      return name;
    }
    if (this.onCollision === "error")
      throw conflict(
        `The ${this.kind} key ${shown(name)} would be that of both ${this.held.placeAt(other)} and ${this.held.placeAt(index)}. Rename one, or give --on_collision suffix.`,
        { got: name },
      );
    let number = 2;
    while (this.#table[this.#placeOf(`${name}~${number}`)] !== 0) number++;
    return this.take(`${name}~${number}`, index);
  }

  /** Where the name is in the table, or the free place for it. */
  #placeOf(name: string): number {
    const last = this.#table.length - 1;
    let place = hash(name) & last;
    while (this.#table[place] !== 0 && this.held.nameAt(this.#table[place]! - 1) !== name)
      place = (place + 1) & last;
    return place;
  }
}

/** FNV-1a over UTF-16, with the bits of its end mixed into all: the table looks at the lowest. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return value ^ (value >>> 15);
}
