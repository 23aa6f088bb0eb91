import type { Histogram, Matrix, SpeakerInfo, SpeakerPair } from "../../src/types.js";

/** The ten speakers of the reference, in its order, and the upper triangle of its similarity matrix. */
const speakers = ["3005", "2609", "1688", "3331", "2033", "367", "2414", "1998", "533", "3080"];
const triangle = [
  0.186725, 0.01615, 0.144322, 0.344525, 0.048083, 0.158155, 0.037498, 0.165949, 0.026308, -0.035794,
  0.142528, 0.100761, 0.115108, 0.12545, 0.125098, 0.054525, -0.023257, 0.104651, 0.248149, -0.021736,
  0.139722, 0.261417, 0.010641, 0.080536, 0.225468, -0.064053, 0.198634, 0.109422, 0.017337, 0.054438,
  0.019518, 0.362861, 0.129062, 0.178021, 0.226043, 0.171136, 0.036124, 0.322989, 0.131807, 0.020331,
  0.140708, 0.12761, 0.20677, 0.069069, 0.29825,
];
/** numpy 2.4's percentile and std of the same 45 numbers. */
export const numpy = {
  q1: 0.037498,
  q3: 0.178021,
  p90: 0.25611,
  mean: 0.123046,
  std: 0.101549,
  median: 0.12545,
};

export const reference = summary(
  symmetric(10, (i, j) => triangle[(i * (19 - i)) / 2 + j - i - 1]),
  0.25,
);

/** Numbers in [0, 1) that are the same in every run (mulberry32). */
export function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Similarities in [low, high], the same in every run. */
export function someMatrix(n: number, { low = -0.3, high = 0.9 } = {}): Matrix {
  const next = random(n + 1);
  return symmetric(n, () => low + (high - low) * ((next() + next() + next()) / 3));
}

export function infos(n: number): SpeakerInfo[] {
  if (n === 10) return speakers.map((id) => info("test-other", id));
  return Array.from({ length: n }, (_, i) => info(["studio", "podcast"][i % 2], `speaker-${i}`));
}

export function info(dataset: string, speakerId: string): SpeakerInfo {
  return { key: `${dataset}_${speakerId}`, dataset, speakerId, numUtterances: 5 };
}

/** Keys, matrix, histogram, statistics and pairs, each computed the plain way. */
export function summary(matrix: Matrix, threshold: number, who = infos(matrix.rows)) {
  const pairs: SpeakerPair[] = [];
  for (let i = 0; i < who.length; i++)
    for (let j = i + 1; j < who.length; j++)
      pairs.push({ speaker1: who[i], speaker2: who[j], similarity: matrix.data[i * matrix.columns + j] });
  const values = pairs.map(({ similarity }) => similarity).sort((a, b) => a - b);
  const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
  const middle = values.length / 2;
  const high = pairs.filter(({ similarity }) => similarity >= threshold);
  return {
    keys: who.map(({ key }) => key),
    matrix,
    histogram: histogram(values),
    statistics: {
      mean,
      std: Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length),
      min: values[0],
      max: values[values.length - 1],
      median: (values[Math.ceil(middle) - 1] + values[Math.floor(middle)]) / 2,
      totalPairs: values.length,
      highPairs: high.length,
      threshold,
    },
    pairs: high.sort((a, b) => b.similarity - a.similarity),
  };
}

function histogram(values: number[]): Histogram {
  const counts = new Float64Array(200);
  for (const value of values) counts[Math.min(199, Math.floor((value + 1) * 100))]++;
  return { edges: Float64Array.from({ length: 201 }, (_, b) => b / 100 - 1), counts };
}

function symmetric(n: number, similarity: (i: number, j: number) => number): Matrix {
  const data = new Float32Array(n * n);
  for (let i = 0; i < n; i++) {
    data[i * n + i] = 1;
    for (let j = i + 1; j < n; j++) data[i * n + j] = data[j * n + i] = similarity(i, j);
  }
  return { data, rows: n, columns: n };
}
