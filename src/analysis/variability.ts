import { invalid } from "../errors.js";
import type { UtteranceEmbedding } from "../types.js";
import { demandList } from "../util/demand.js";
import { dot } from "../vectors/dot.js";
import { gatherRows } from "../vectors/gather-rows.js";
import { scatter } from "../vectors/scatter.js";
import { sumOfRows } from "../vectors/sum-of-rows.js";
import { type UnitRows, unitRows } from "../vectors/unit-rows.js";
import { bySpeaker, type SpeakerGroup, withSpeakers } from "./by-speaker.js";
import { leastSimilarity } from "./least-similarity.js";
import {
  type SpeakerVariability,
  showVariability,
  type UtteranceVariability,
  type Variability,
} from "./variability-result.js";

export type { SpeakerVariability, UtteranceVariability, Variability };

/** Least spread, so that utterances of a very consistent corpus are not flagged for tiny differences. */
const leastSpread = 0.01;

/**
 * How much the utterances of each speaker differ, which of them do not fit, and which may carry a wrong label.
 *
 * An utterance is an outlier when its mean cosine to the speaker's other utterances is unusually low, in robust standard
 * deviations (1.4826 times the median absolute deviation), either among all utterances or among those of the speaker. The
 * minimum of a speaker takes a search, up to 9 CPU-seconds for 10,000 utterances of one speaker.
 *
 * @param deviations how many robust standard deviations below the median an outlier lies; default 3
 * @throws invalid for embeddings that are zero, not finite or of different length, and for deviations below 0
 * @example
 * const { speakers, outliers } = variability(utterances);
 */
export function variability(
  embedded: readonly UtteranceEmbedding[],
  { deviations = 3 }: { deviations?: number } = {},
): Variability {
  demandList(embedded, "variability takes the list of utterances with their embeddings");
  if (!(deviations >= 0))
    throw invalid(`deviations is ${deviations}. It must be a number, 0 or more.`, { got: deviations });
  const utterances = withSpeakers(embedded);
  const rows = unitRows(utterances);
  const groups = bySpeaker(utterances);
  const sums = groups.map((group) =>
    sumOfRows(gatherRows(rows.data, group.rows, rows.dimension), rows.dimension),
  );
  const speakerOf = new Uint32Array(rows.n);
  groups.forEach((group, s) => {
    for (const i of group.rows) speakerOf[i] = s;
  });

  const similarities = utterances.map((_, i) => {
    const { rows: own } = groups[speakerOf[i]];
    if (own.length === 1) return Number.NaN;
    const total = dot(rows.data, i, sums[speakerOf[i]], 0, rows.dimension);
    return (total - dot(rows.data, i, rows.data, i, rows.dimension)) / (own.length - 1);
  });
  const { info, isOutlier } = outlierRule(similarities, groups, deviations);

  const found = groups.map((group) => pairsWithin(rows, group));
  const items = utterances.map(({ embedding: _, ...utterance }, i): UtteranceVariability => {
    const s = speakerOf[i];
    const similarity = similarities[i];
    const flagged = !Number.isNaN(similarity) && isOutlier(i, s);
    const nearest = flagged ? nearestOther(rows, i, s, sums, groups) : undefined;
    return {
      ...utterance,
      similarity,
      score: Math.min(1, Math.max(0, similarity)),
      pull: pullOf(similarity, groups[s].rows.length, found[s].mean),
      isOutlier: flagged,
      nearestSpeaker: nearest?.key ?? null,
      nearestSimilarity: nearest?.similarity ?? Number.NaN,
      isWrongLabel: nearest !== undefined && nearest.similarity > similarity,
    };
  });
  const outliers = items.filter((item) => item.isOutlier).sort((a, b) => a.similarity - b.similarity);
  const speakers = groups.map(({ key, dataset, speakerId, rows: own }, s) => ({
    key,
    dataset,
    speakerId,
    numUtterances: own.length,
    ...found[s],
    outliers: own.reduce((count, i) => count + Number(items[i].isOutlier), 0),
  }));
  const means = speakers.map(({ mean }) => mean).filter((mean) => !Number.isNaN(mean));
  return showVariability({
    speakers: speakers.sort((a, b) => rank(a) - rank(b) || 0),
    utterances: items.filter(({ similarity }) => !Number.isNaN(similarity)),
    outliers,
    summary: {
      speakers: groups.length,
      utterances: rows.n,
      singles: groups.length - means.length,
      outliers: outliers.length,
      wrongLabels: outliers.filter(({ isWrongLabel }) => isWrongLabel).length,
      mean: means.reduce((sum, mean) => sum + mean, 0) / means.length,
    },
    info,
  });
}

/** The speaker's mean is the plain mean of its utterances' means, so the mean without one of them is arithmetic. */
function pullOf(similarity: number, n: number, mean: number): number {
  return n < 3 ? Number.NaN : (2 * (mean - similarity)) / (n - 2);
}

/** Speakers with one utterance come last. */
const rank = ({ mean }: SpeakerVariability) => (Number.isNaN(mean) ? Infinity : mean);

function outlierRule(similarities: readonly number[], groups: readonly SpeakerGroup[], deviations: number) {
  const known = Float64Array.from(similarities.filter((x) => !Number.isNaN(x)));
  const median = known.length === 0 ? Number.NaN : medianOf(known);
  const speakerMedians = groups.map(({ rows }) => medianOf(Float64Array.from(rows, (i) => similarities[i])));
  const within = Float64Array.from(
    groups.flatMap(({ rows }, s) =>
      rows.length < 3 ? [] : rows.map((i) => similarities[i] - speakerMedians[s]),
    ),
  );
  const spread = spreadOf(known, median);
  const spreadWithin = spreadOf(within, 0);
  return {
    info: { median, spread, spreadWithin, deviations },
    isOutlier: (i: number, s: number) => {
      const similarity = similarities[i];
      return (
        similarity < median - deviations * spread ||
        similarity < speakerMedians[s] - deviations * spreadWithin
      );
    },
  };
}

/** Median absolute deviation, scaled so that it is the standard deviation of a normal distribution. */
function spreadOf(values: Float64Array, centre: number): number {
  if (values.length === 0) return leastSpread;
  return Math.max(leastSpread, 1.4826 * medianOf(values.map((x) => Math.abs(x - centre))));
}

function medianOf(values: Float64Array): number {
  const sorted = values.slice().sort();
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

function nearestOther(
  { data, dimension }: UnitRows,
  i: number,
  own: number,
  sums: readonly Float64Array[],
  groups: readonly SpeakerGroup[],
) {
  let nearest: { key: string; similarity: number } | undefined;
  groups.forEach(({ key, rows }, s) => {
    if (s === own) return;
    const similarity = dot(data, i, sums[s], 0, dimension) / rows.length;
    if (nearest === undefined || similarity > nearest.similarity) nearest = { key, similarity };
  });
  return nearest;
}

function pairsWithin(rows: UnitRows, group: SpeakerGroup): Pick<SpeakerVariability, "mean" | "std" | "min"> {
  const { dimension: d } = rows;
  const n = group.rows.length;
  if (n === 1) return { mean: Number.NaN, std: Number.NaN, min: Number.NaN };
  const block = gatherRows(rows.data, group.rows, d);
  // Pairs cost n² d, sums n d², so large speakers are summed.
  return n <= d ? statisticsOfPairs(block, n, d) : statisticsOfSums(block, n, d);
}

/** The sum of all products is a product of sums, and the sum of their squares that of the squared scatter matrix. */
function statisticsOfSums(block: Float32Array, n: number, d: number) {
  const sum = sumOfRows(block, d);
  let [selves, squaredSelves] = [0, 0];
  for (let i = 0; i < n; i++) {
    const self = dot(block, i, block, i, d);
    selves += self;
    squaredSelves += self * self;
  }
  const ordered = n * (n - 1);
  const mean = (dot(sum, 0, sum, 0, d) - selves) / ordered;
  const squares = scatter(block, d).reduce((total, x) => total + x * x, 0);
  const variance = (squares - squaredSelves) / ordered - mean * mean;
  return { mean, std: Math.sqrt(Math.max(0, variance)), min: leastSimilarity(block, n, d) };
}

function statisticsOfPairs(block: Float32Array, n: number, d: number) {
  let [count, mean, deviation, min] = [0, 0, 0, Infinity];
  for (let i = 0; i < n; i++)
    for (let j = i + 1; j < n; j++) {
      const similarity = dot(block, i, block, j, d);
      const step = similarity - mean;
      mean += step / ++count;
      deviation += step * (similarity - mean);
      min = Math.min(min, similarity);
    }
  return { mean, std: Math.sqrt(deviation / count), min };
}
