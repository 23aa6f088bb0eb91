import { invalid } from "../errors.js";
import { thereAre } from "../shared/text.js";
import { nearestRows } from "../similarity/nearest-rows.js";
import { demandWhole } from "../util/demand.js";
import { dot } from "../vectors/dot.js";
import { random } from "../vectors/random.js";
import { type Rows, unitRows } from "../vectors/unit-rows.js";
import type { ScoredTrial } from "./trial.js";

/**
 * Scores that contain both kinds of trials, without labels: each utterance against its `k` nearest, which are likely to be its
 * own speaker, and against `k` random others. No pair occurs twice.
 *
 * @param rows embeddings with keys, of two or more speakers
 * @param k neighbours, and random others, per utterance; default 8, or as many as there are
 * @param seed seed of the sampling; default 1
 * @throws invalid for fewer than 10 rows, NaN, zero vectors and different dimensions
 * @example
 * const { threshold } = calibrateWithoutLabels(await unlabelledScores(utterances));
 */
export async function unlabelledScores(
  rows: Rows,
  { k = 8, seed = 1 }: { k?: number; seed?: number } = {},
): Promise<ScoredTrial[]> {
  demandWhole("k", k, 1);
  const { data, n, dimension, keys } = unitRows(rows);
  if (n < 10)
    throw invalid(`${thereAre(n, "embedding")}, too few to tell one speaker from two. Give 10 or more.`, {
      got: n,
    });
  const { k: near, index } = await nearestRows(rows, { topK: k });
  const next = random(seed);
  const trials: ScoredTrial[] = [];
  const seen = new Set<number>();
  const add = (i: number, j: number) => {
    const pair = Math.min(i, j) * n + Math.max(i, j);
    if (i === j || seen.has(pair)) return;
    seen.add(pair);
    trials.push({ enroll: keys[i], test: keys[j], score: dot(data, i, data, j, dimension) });
  };
  for (let i = 0; i < n; i++) {
    for (let r = 0; r < near; r++) add(i, index[i * near + r]);
    for (let r = 0; r < near; r++) add(i, Math.floor(next() * n));
  }
  return trials;
}
