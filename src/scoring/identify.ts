import { invalid } from "../errors.js";
import { checkedRows, compare } from "../similarity/compare.js";
import type { LongTask, Matrix } from "../types.js";
import type { Rows } from "../vectors/unit-rows.js";
import type { RankedRow } from "./neighbour-rows.js";
import { logOdds, type ScoreCalibration } from "./score-calibration.js";

export interface IdentifyOptions extends LongTask {
  /** Candidates for each query at most; default 5. */
  topK?: number;
  /** Who scores below is nobody; default: everybody is ranked. */
  threshold?: number;
  /** What a score means: gives the probabilities. */
  calibration?: ScoreCalibration;
  /** How probable it is, before anything is heard, that a query is one of the enrolled; default 0.5. */
  prior?: number;
  /** What compares: `onnx` or `tensorflow`; by default the fastest there is. */
  backend?: string;
}

/** A candidate for who a query is. */
export interface Identified extends RankedRow {
  /** That the query is this one (of `nobody`: none of the enrolled); null without a calibration. */
  probability: number | null;
}

/** The key of a row that says that nobody comes up to the threshold. */
export const nobody = "nobody";

/**
 * Says who speaks: for every query the nearest of the enrolled by cosine, best first. It is an open set: where nobody comes up
 * to the threshold, the one row of a query has the key "nobody", with the score of the nearest.
 *
 * With a calibration each candidate has the probability that the query is this one of the N enrolled and nobody else. A query is one of
 * them with probability `prior`, each as likely as the others, else a stranger:
 *
 *     p(i) = (prior / N) LR(i) / (1 - prior + sum over j of (prior / N) LR(j)),   LR = e^(scale * score + offset)
 *
 * @param queries embeddings with keys, or a matrix
 * @param enrolled models that `enroll` made, speakers of merged files, or any rows of the same model
 * @returns rows, those of a query together, at most `topK` for each
 * @throws invalid for no queries or nobody enrolled, NaN, zero vectors and different dimensions, for two of the enrolled with one
 * key, or options out of range; interrupted when `abortSignal` is aborted
 * @see Brümmer and de Villiers, The BOSARIS toolkit, 2011 (from ratios to posteriors)
 * @example
 * const rows = await identify(utterances.slice(0, 3), enroll(utterances.slice(3)), { topK: 2, threshold: 0.4 });
 */
export async function identify(
  queries: Rows,
  enrolled: Rows,
  { topK = 5, threshold, calibration, prior = 0.5, backend, ...task }: IdentifyOptions = {},
): Promise<Identified[]> {
  if (!(Number.isInteger(topK) && topK >= 1))
    throw invalid(`topK is ${topK}. It has to be a whole number, 1 or more.`, { got: topK });
  if (threshold !== undefined && !(threshold >= -1 && threshold <= 1))
    throw invalid(`The threshold is ${threshold}. It has to be a cosine between -1 and 1.`, {
      got: threshold,
    });
  const rows = checkedRows(queries, { against: enrolled, topK, maxPairs: 0, threshold: 1 });
  const { first, second } = rows;
  if (first.n === 0) throw invalid("There are no queries.");
  if (second.n === 0) throw invalid("Nobody is enrolled.");
  checkNames(second.keys);
  const odds = logOdds(prior) - Math.log(second.n);
  // All candidates together, against the stranger: log of the sum of their odds.
  const together = new Float64Array(first.n).fill(-Infinity);
  const add = ({ data, rows: height, columns }: Matrix, firstRow: number) => {
    for (let i = 0; i < height; i++)
      for (let j = 0; j < columns; j++) {
        const one = calibration!.toLogLikelihoodRatio(data[i * columns + j]) + odds;
        together[firstRow + i] = logSum(together[firstRow + i], one);
      }
  };
  const { reduction } = await compare(rows, { ...task, backend, onRows: calibration && add });
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
  return identified;
}

/** log(e^a + e^b) */
const logSum = (a: number, b: number) =>
  Math.max(a, b) + (Math.min(a, b) === -Infinity ? 0 : Math.log1p(Math.exp(-Math.abs(a - b))));

function checkNames(keys: readonly string[]): void {
  const seen = new Set<string>();
  for (const key of keys) {
    if (key === nobody)
      throw invalid(`One of the enrolled is called "${nobody}", which stands for none of them. Rename it.`);
    if (seen.has(key)) throw invalid(`Two of the enrolled are called ${key}. Each needs a name of its own.`);
    seen.add(key);
  }
}
