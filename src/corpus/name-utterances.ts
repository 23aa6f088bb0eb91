import { conflict, shown } from "../errors.js";
import type { Utterance } from "../types.js";
import { compare } from "../util/compare.js";

export type OnCollision = "error" | "suffix";

type Unnamed = Omit<Utterance, "key" | "speakerKey">;

/**
 * Sorts utterances by path and gives each its key, `dataset_speaker_utterance`.
 *
 * Joined with `_`, different names can give one key: the data sets `my_set` and `my` with the speakers `x` and
 * `set_x`, or `a.wav` beside `a.flac`. That would quietly overwrite results, so it is an error that names both, or with
 * `suffix` the later one in path order gets `~2`, `~3`, ...
 *
 * @throws `conflict` naming both files
 */
export function nameUtterances(found: readonly Unnamed[], onCollision: OnCollision = "error"): Utterance[] {
  const sorted = [...found].sort((a, b) => compare(a.file, b.file));
  // Three kinds of names must be unique: the files of a speaker, the keys of speakers, the keys of utterances.
  const files = new Names("utterance", onCollision);
  const speakers = new Names("speaker", onCollision);
  const keys = new Names("utterance", onCollision);
  const speakerKeys = new Map<string, string>();
  return sorted.map((utterance) => {
    const { dataset, speakerId, path } = utterance;
    const speaker = `${dataset}/${speakerId}`;
    let speakerKey = speakerKeys.get(speaker);
    if (speakerKey === undefined) {
      speakerKey = speakers.take(`${dataset}_${speakerId}`, path);
      speakerKeys.set(speaker, speakerKey);
    }
    const file = files.take(`${speaker}/${utterance.utteranceId}`, path);
    const utteranceId = file.slice(speaker.length + 1);
    const key = keys.take(`${speakerKey}_${utteranceId}`, path);
    return { ...utterance, key, speakerKey, utteranceId };
  });
}

class Names {
  readonly #taken = new Map<string, string>();

  constructor(
    readonly kind: string,
    readonly onCollision: OnCollision,
  ) {}

  take(name: string, path: string): string {
    const other = this.#taken.get(name);
    if (other === undefined) {
      this.#taken.set(name, path);
      return name;
    }
    if (this.onCollision === "error")
      throw conflict(
        `The ${this.kind} key ${shown(name)} would be that of both ${other} and ${path}. Rename one, or give --on_collision suffix.`,
        { got: name },
      );
    let number = 2;
    while (this.#taken.has(`${name}~${number}`)) number++;
    return this.take(`${name}~${number}`, path);
  }
}
