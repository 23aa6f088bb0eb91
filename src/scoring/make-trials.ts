import { invalid } from "../errors.js";
import { quantity } from "../shared/text.js";
import { showAs } from "../show/show-as.js";
import { demandWhole } from "../util/demand.js";
import { groupBy } from "../util/group-by.js";
import { random } from "../vectors/random.js";
import { samplePairs } from "./sample-pairs.js";
import { showTrials, trialsText } from "./show-trials.js";
import type { Trial } from "./trial.js";

/** An utterance that trials are made of. */
export interface TrialUtterance {
  key: string;
  dataset?: string;
  /** Null when unknown: the utterance is not used. */
  speakerId: string | null;
  /** The recording it was cut from. */
  session?: string;
}

export interface MakeTrialsOptions {
  /** Maximum number of target trials per speaker, and as many non-target trials; default 50. */
  perSpeaker?: number;
  /** Target trials only pair different sessions, where sessions are known; default true. */
  crossSession?: boolean;
  /** Seed of the sampling; default 1. */
  seed?: number;
}

type Known = TrialUtterance & { speakerId: string };

/**
 * A balanced list of trials: per speaker as many non-target as target trials, no pair twice, reproducible.
 *
 * Two utterances of one session (recording, video, chapter) share microphone and room, which makes a target trial too easy;
 * such pairs are left out unless `crossSession` is false. An utterance without a session counts as its own session.
 * Non-target trials stay within a data set, because two data sets may contain the same people under different names.
 *
 * @returns the trials, and the speakers without any possible target trial, who never appear as `enroll`
 * @throws invalid when there is no target trial at all, or no other speaker in the data set
 * @example
 * const { trials } = makeTrials(utterances, { perSpeaker: 20 });
 */
export function makeTrials(
  utterances: readonly TrialUtterance[],
  { perSpeaker = 50, crossSession = true, seed = 1 }: MakeTrialsOptions = {},
): { trials: Trial[]; without: string[] } {
  demandWhole("perSpeaker", perSpeaker, 1);
  const next = random(seed);
  const keys = new Set<string>();
  for (const { key } of utterances) {
    if (keys.has(key)) throw invalid(`Two utterances have the key ${key}. Trials need names that differ.`);
    keys.add(key);
  }
  const known = utterances.filter((one): one is Known => one.speakerId !== null);
  const trials: Trial[] = [];
  const without: string[] = [];
  for (const [dataset, some] of groupBy(known, ({ dataset = "" }) => dataset)) {
    const drawn = new Set<string>();
    const speakers = groupBy(some, (one) => one.speakerId);
    const everybody = [...speakers.values()].flat();
    for (const [speakerId, own] of speakers) {
      const targets = samplePairs(own, crossSession, perSpeaker, next);
      if (targets.length === 0) {
        without.push(dataset === "" ? speakerId : `${dataset}/${speakerId}`);
        continue;
      }
      const others = everybody.length - own.length;
      const possible = own.length * others;
      if (others === 0)
        throw invalid(
          `There is no other speaker beside ${speakerId}${dataset === "" ? "" : ` in ${dataset}`}. Non-target trials need two.`,
        );
      for (const [enroll, test] of targets)
        trials.push({ enroll: enroll.key, test: test.key, isTarget: true });
      // A pair may already have been drawn from the other side, so a speaker can end up with fewer.
      for (
        let made = 0, tries = 0;
        made < Math.min(targets.length, possible) && tries < 50 * possible;
        tries++
      ) {
        const a = own[Math.floor(next() * own.length)];
        const b = everybody[Math.floor(next() * everybody.length)];
        const pair = JSON.stringify(a.key < b.key ? [a.key, b.key] : [b.key, a.key]);
        if (b.speakerId === speakerId || drawn.has(pair)) continue;
        drawn.add(pair);
        trials.push({ enroll: a.key, test: b.key, isTarget: false });
        made++;
      }
    }
  }
  if (trials.length === 0)
    throw invalid(
      `No target trial can be made of ${quantity(utterances.length, "utterance")}: no speaker has two${crossSession ? " from different sessions. Allow those of one session with crossSession: false" : ""}.`,
      { got: utterances.length },
    );
  return showAs({ trials: showTrials(trials), without }, () => ({
    title: trialsText(trials),
    parts: [
      without.length === 0 ? "" : `Without a target trial: ${without.join(", ")}`,
      { rows: trials, noun: "trials", most: 8 },
    ],
  }));
}
