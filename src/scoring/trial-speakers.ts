import { invalid } from "../errors.js";
import { joined } from "../util/joined.js";
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
export function trialSpeakers(trials: readonly Trial[], speakerOf = connected(trials)): TrialSpeakers {
  const numbers = new Map<string, number>();
  const numberOf = (key: string) => {
    const speaker = speakerOf(key);
    const number = numbers.get(speaker) ?? numbers.size;
    numbers.set(speaker, number);
    return number;
  };
  const enroll = Uint32Array.from(trials, (trial) => numberOf(trial.enroll));
  const test = Uint32Array.from(trials, (trial) => numberOf(trial.test));
  return { count: numbers.size, enroll, test };
}

function connected(trials: readonly Trial[]): SpeakerOf {
  const unlabelled = trials.findIndex(({ isTarget }) => isTarget === undefined);
  if (unlabelled >= 0)
    throw invalid(`Trial ${unlabelled} has no label. Give speakerOf, which says whose voice a key names.`);
  return joined(trials.filter(({ isTarget }) => isTarget).map(({ enroll, test }) => [enroll, test]));
}
