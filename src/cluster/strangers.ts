import { dot } from "../vectors/dot.js";
import { quantile } from "../vectors/quantile.js";
import { random } from "../vectors/random.js";
import type { UnitRows } from "../vectors/unit-rows.js";

/** The cosines of pairs, nearly all of which are of two people. */
export interface Strangers {
  mean: number;
  /** Of those below the mean, where there are no pairs of one person. */
  deviation: number;
  /** Between the two kinds, where the cosines fall clearly into two. */
  gap?: number;
  /** Sorted: those of all pairs, or of as many random ones. */
  cosines: Float64Array;
}

const mostPairs = 500_000;

/** How cosines of strangers are spread, from the lower half of all: what is of one person is in the upper. */
export function strangers({ data, n, dimension: d }: Pick<UnitRows, "data" | "n" | "dimension">): Strangers {
  const cosines: number[] = [];
  if ((n * (n - 1)) / 2 <= mostPairs) {
    for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) cosines.push(dot(data, i, data, j, d));
  } else {
    const next = random(1);
    while (cosines.length < mostPairs) {
      const [i, j] = [Math.floor(next() * n), Math.floor(next() * n)];
      if (i !== j) cosines.push(dot(data, i, data, j, d));
    }
  }
  const sorted = Float64Array.from(cosines).sort();
  const kind = lowerKind(sorted);
  const low = sorted.subarray(0, kind);
  const mean = quantile(low, 0.5);
  // One deviation below the mean of a Gaussian.
  return { mean, deviation: mean - quantile(low, 0.15866), gap: sorted[kind], cosines: sorted };
}

/**
 * How many values are of the lower of two kinds; all of them where two kinds do not stand clearly apart, as where there are so many
 * people that nearly all pairs are of strangers. Kinds are what varies least within them (Otsu's threshold).
 */
function lowerKind(sorted: Float64Array): number {
  const n = sorted.length;
  const [sum, squares] = sorted.reduce(([a, b], x) => [a + x, b + x * x], [0, 0]);
  let [low, lowSquares, least, best, apart] = [0, 0, Infinity, n, 0];
  for (let i = 1; i < n; i++) {
    const x = sorted[i - 1];
    low += x;
    lowSquares += x * x;
    const [a, b] = [low / i, (sum - low) / (n - i)];
    const [va, vb] = [lowSquares / i - a * a, (squares - lowSquares) / (n - i) - b * b];
    const within = i * va + (n - i) * vb;
    if (within < least) [least, best, apart] = [within, i, (b - a) / Math.sqrt((va + vb) / 2)];
  }
  // A single Gaussian cut in half comes to 2.6.
  return apart > 3 ? best : n;
}

/**
 * The part of strangers whose cosine is z deviations or more above the mean: from 1.5 deviations on an exponential, since some
 * voices are alike. Measured on six sets of clean, noisy and altered read speech with whitened embeddings, within a fifth from 0 to
 * 4 deviations.
 */
const tail = (z: number) =>
  z < 1.5 ? 0.5 * Math.exp(-0.7 * z - 0.26 * z * z) : 0.0425 * Math.exp(-1.66 * (z - 2));

/** What a cosine is worth in log odds, per deviation. */
export const worth = 1.66;

/** The largest of n cosines of strangers, in deviations above the mean. */
export const largestOf = (n: number) => 2 + Math.log(0.0425 * n) / worth;

/** The part of pairs that has to be of one person, where people have few utterances. */
const enough = 0.3;
/** Where people have about so many utterances. Of more, the mean cosine says more, so that worse pairs will do. */
const fewEach = 5;
const manyEach = 25;

/**
 * The cosine from which on groups are joined in the mean so that they hold people whole, and here and there a second one, from which a
 * model learns what one person's utterances have not in common: three in ten pairs above it are more than strangers would give.
 *
 * @param each how many utterances people have, about
 */
export function leastCosine({ mean, deviation, gap, cosines }: Strangers, each = fewEach): number {
  if (gap !== undefined) return gap;
  const share = (enough * fewEach) / Math.min(Math.max(each, fewEach), manyEach);
  let from = 0;
  for (let z = 0.2; z < 5; z += 0.05) {
    const cosine = mean + z * deviation;
    while (from < cosines.length && cosines[from] <= cosine) from++;
    if (tail(z) < (1 - share) * (1 - from / cosines.length)) return cosine;
  }
  return mean + 5 * deviation;
}
