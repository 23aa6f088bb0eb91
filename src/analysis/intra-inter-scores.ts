import { invalid } from "../errors.js";
import type { UtteranceEmbedding } from "../types.js";
import { groupBy } from "../util/group-by.js";
import { dot } from "../vectors/dot.js";
import { random } from "../vectors/random.js";
import { unitRows } from "../vectors/unit-rows.js";
import { bySpeaker, type SpeakerGroup, withSpeakers } from "./by-speaker.js";

/** Cosines of pairs of utterances. */
export interface IntraInterScores {
  /** Pairs of one speaker. */
  target: Float64Array;
  /** Pairs of two speakers. */
  nonTarget: Float64Array;
  /** Number of pairs of each kind, which is larger than that of the scores when these are a sample. */
  targetPairs: number;
  nonTargetPairs: number;
}

/**
 * Cosines within speakers and between speakers: all pairs, or an even sample of them that is the same in every run.
 *
 * @param maxPairs most scores of each kind; default 200,000
 * @param seed of the sample; default 1
 * @throws invalid for embeddings that are zero, not finite or of different length
 * @example
 * const { target, nonTarget } = intraInterScores(utterances, { maxPairs: 50_000 });
 */
export function intraInterScores(
  embedded: readonly UtteranceEmbedding[],
  { maxPairs = 200_000, seed = 1 }: { maxPairs?: number; seed?: number } = {},
): IntraInterScores {
  if (!(maxPairs >= 1 && (Number.isInteger(maxPairs) || maxPairs === Infinity)))
    throw invalid(`maxPairs must be a whole number, 1 or more, not ${maxPairs}.`);
  const utterances = withSpeakers(embedded);
  return scoresOf(utterances, [bySpeaker(utterances)], { maxPairs, seed });
}

/** The same without pairs of two data sets; a sample is even over the pairs of all data sets together. */
export function scoresWithinDatasets(
  embedded: readonly UtteranceEmbedding[],
  { maxPairs }: { maxPairs: number },
): IntraInterScores {
  const utterances = withSpeakers(embedded);
  const datasets = groupBy(bySpeaker(utterances), ({ dataset }) => dataset);
  return scoresOf(utterances, [...datasets.values()], { maxPairs, seed: 1 });
}

/** @param parts speakers whose utterances are paired with each other, and with nobody else's */
function scoresOf(
  utterances: readonly UtteranceEmbedding[],
  parts: readonly (readonly SpeakerGroup[])[],
  { maxPairs, seed }: { maxPairs: number; seed: number },
): IntraInterScores {
  const { data, dimension, n } = unitRows(utterances);
  // With rows ordered by speaker, row p pairs with the rest of its speaker, or with the rest of its part after its speaker.
  const order = new Uint32Array(n);
  const end = new Uint32Array(n);
  const partEnd = new Uint32Array(n);
  let at = 0;
  for (const part of parts) {
    const from = at;
    for (const { rows } of part) {
      const last = at + rows.length;
      for (const i of rows) {
        end[at] = last;
        order[at++] = i;
      }
    }
    partEnd.fill(at, from, at);
  }
  const next = random(seed);
  const scores = (first: (p: number) => number, behind: (p: number) => number) => {
    const before = new Float64Array(n + 1);
    for (let p = 0; p < n; p++) before[p + 1] = before[p] + behind(p) - first(p);
    const total = before[n];
    const count = Math.min(maxPairs, total);
    let p = 0;
    const values = Float64Array.from({ length: count }, (_, k) => {
      // One pair from each of `count` equal stretches: no pair twice, and all pairs when `count` is their number.
      const from = Math.floor((k * total) / count);
      const pair = from + Math.floor(next() * (Math.floor(((k + 1) * total) / count) - from));
      while (before[p + 1] <= pair) p++;
      return dot(data, order[p], data, order[first(p) + pair - before[p]], dimension);
    });
    return { values, total };
  };
  const target = scores(
    (p) => p + 1,
    (p) => end[p],
  );
  const nonTarget = scores(
    (p) => end[p],
    (p) => partEnd[p],
  );
  return {
    target: target.values,
    nonTarget: nonTarget.values,
    targetPairs: target.total,
    nonTargetPairs: nonTarget.total,
  };
}
