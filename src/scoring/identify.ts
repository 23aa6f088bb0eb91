import { invalid, stoppable } from "../errors.js";
import { showRows } from "../show/show-as.js";
import { checkedRows, compare } from "../similarity/compare.js";
import type { LongTask, Matrix } from "../types.js";
import { demandCosine, demandWhole } from "../util/demand.js";
import { logSum } from "../util/log-sum.js";
import type { Rows } from "../vectors/unit-rows.js";
import type { RankedRow } from "./neighbour-rows.js";
import { logOdds, type ScoreCalibration } from "./score-calibration.js";

export interface IdentifyOptions extends LongTask {
  /** Maximum number of candidates per query; default 5. */
  topK?: number;
  /** Candidates below this cosine are dropped; default: none are. */
  threshold?: number;
  /** Calibration of the scores, which adds probabilities. */
  calibration?: ScoreCalibration;
  /** Prior probability that a query is one of the enrolled; default 0.5. */
  prior?: number;
  /** Backend, `onnx` or `tensorflow`; default: the fastest available. */
  backend?: string;
}

/** A candidate for the speaker of a query. */
export interface Identified extends RankedRow {
  /** Probability that the query is this speaker (for `nobody`: none of the enrolled); null without a calibration. */
  probability: number | null;
}

/** The key of a row that says that nobody reaches the threshold. */
export const nobody = "nobody";

/**
 * Identifies speakers in an open set: the nearest enrolled speakers of every query by cosine, best first. When nobody reaches
 * the threshold, the query has a single row with the key "nobody" and the score of the nearest.
 *
 * With a calibration each row has a posterior probability. A query is one of the N enrolled with probability `prior`, all
 * equally likely, and otherwise a stranger:
 *
 *     p(i) = (prior / N) LR(i) / (1 - prior + sum over j of (prior / N) LR(j)),   LR = e^(scale * score + offset)
 *
 * @param queries embeddings with keys, or a matrix
 * @param enrolled models that `enroll` made, speakers of merged files, or any rows of the same model
 * @returns rows grouped by query, at most `topK` each
 * @throws invalid without queries or enrolled speakers, for NaN, zero vectors, different dimensions, duplicate keys and options
 * out of range; interrupted when `abortSignal` is aborted
 * @see Brümmer and de Villiers, The BOSARIS toolkit, 2011 (from ratios to posteriors)
 * @example
 * const rows = await identify(utterances.slice(0, 3), enroll(utterances.slice(3)), { topK: 2, threshold: 0.4 });
 */
export async function identify(
  queries: Rows,
  enrolled: Rows,
  { topK = 5, threshold, calibration, prior = 0.5, backend, ...task }: IdentifyOptions = {},
): Promise<Identified[]> {
  demandWhole("topK", topK, 1);
  if (threshold !== undefined) demandCosine(threshold);
  const rows = checkedRows(queries, { against: enrolled, topK, maxPairs: 0, threshold: 1 });
  const { first, second } = rows;
  if (first.n === 0) throw invalid("There are no queries.");
  if (second.n === 0) throw invalid("Nobody is enrolled.");
  checkNames(second.keys);
  const odds = logOdds(prior) - Math.log(second.n);
  // Log odds of any enrolled speaker against a stranger.
  const together = new Float64Array(first.n).fill(-Infinity);
  const add = ({ data, rows: height, columns }: Matrix, firstRow: number) => {
    for (let i = 0; i < height; i++)
      for (let j = 0; j < columns; j++) {
        const one = calibration!.toLogLikelihoodRatio(data[i * columns + j]) + odds;
        together[firstRow + i] = logSum(together[firstRow + i], one);
      }
  };
  const { reduction } = await stoppable("The identification", () =>
    compare(rows, { ...task, backend, onRows: calibration && add }),
  );
  const { k, index, score } = reduction.neighbours;
  const stranger = (query: number) => Math.exp(-logSum(0, together[query]));
  const identified: Identified[] = [];
  for (let query = 0; query < first.n; query++) {
    const best = score[query * k];
    const isNobody = threshold !== undefined && best < threshold;
    if (isNobody)
      identified.push({
        query: first.keys[query],
        rank: 1,
        key: nobody,
        score: best,
        probability: calibration ? stranger(query) : null,
      });
    for (let at = query * k; at < (query + 1) * k && !isNobody; at++) {
      if (threshold !== undefined && score[at] < threshold) break;
      const llr = calibration?.toLogLikelihoodRatio(score[at]);
      identified.push({
        query: first.keys[query],
        rank: at - query * k + 1,
        key: second.keys[index[at]],
        score: score[at],
        probability: llr === undefined ? null : Math.exp(llr + odds - logSum(0, together[query])),
      });
    }
  }
  return showRows(identified, "answer");
}

function checkNames(keys: readonly string[]): void {
  const seen = new Set<string>();
  for (const key of keys) {
    if (key === nobody)
      throw invalid(`One of the enrolled is called "${nobody}", which stands for none of them. Rename it.`);
    if (seen.has(key)) throw invalid(`Two of the enrolled are called ${key}. Each needs a name of its own.`);
    seen.add(key);
  }
}
