import { invalid } from "../errors.js";
import type { Trial } from "./trial.js";

/** Gives the speaker behind a key. */
export type SpeakerOf = (key: string) => string;

/** The speakers of trials, numbered from 0. */
export interface TrialSpeakers {
  count: number;
  /** Number of the speaker on each side of each trial. */
  enroll: Uint32Array;
  test: Uint32Array;
}

/**
 * The speakers of every trial. Without `speakerOf` they follow from the labels: keys connected by target trials are one
 * speaker.
 *
 * @throws invalid for a trial without a label, when the labels are needed
 */
export function trialSpeakers(trials: readonly Trial[], speakerOf?: SpeakerOf): TrialSpeakers {
  const numbers = new Map<string, number>();
  const numberOf = (name: string) => {
    const known = numbers.get(name) ?? numbers.size;
    numbers.set(name, known);
    return known;
  };
  const name = speakerOf ?? ((key: string) => key);
  const enroll = Uint32Array.from(trials, (trial) => numberOf(name(trial.enroll)));
  const test = Uint32Array.from(trials, (trial) => numberOf(name(trial.test)));
  if (speakerOf !== undefined) return { count: numbers.size, enroll, test };

  const parent = Uint32Array.from({ length: numbers.size }, (_, i) => i);
  const root = (i: number): number => {
    while (parent[i] !== i) {
      parent[i] = parent[parent[i]];
      i = parent[i];
    }
    return i;
  };
  for (const [t, { isTarget }] of trials.entries()) {
    if (isTarget === undefined)
      throw invalid(`Trial ${t} has no label. Give speakerOf, which says whose voice a key names.`);
    if (isTarget) parent[root(enroll[t])] = root(test[t]);
  }
  const speakers = new Map<number, number>();
  const speaker = Uint32Array.from(parent, (_, i) => {
    const known = speakers.get(root(i)) ?? speakers.size;
    speakers.set(root(i), known);
    return known;
  });
  return {
    count: speakers.size,
    enroll: enroll.map((i) => speaker[i]),
    test: test.map((i) => speaker[i]),
  };
}
