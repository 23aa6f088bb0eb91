import { sigmoid } from "../util/sigmoid.js";

export interface TiltedOdds {
  /** Natural log odds that a score is of a fault. */
  oddsOf(score: number): number;
  /** How many of the observed scores are of a fault, as far as can be told. */
  expected: number;
}

/** More scores are counted in so many bins. */
const bins = 4_000;

/**
 * Tells faults by their scores, where examples of faults can be made and many of the observed are faults too: how much
 * likelier a score is for a fault is exp(a + b score), and a share of the observed scores are of faults. All three
 * numbers are found together, by expectation maximisation around a logistic regression of planted against observed (learning
 * from positive and unlabelled examples: Ward et al., "Presence-only data and the EM algorithm", Biometrics 2009).
 *
 * @param observed scores, higher is worse
 * @param planted scores of faults made on purpose
 */
export function tiltedOdds(observed: Float64Array, planted: Float64Array): TiltedOdds {
  if (observed.length === 0 || planted.length < 4) return { oddsOf: () => -Infinity, expected: 0 };
  const all = planted.length + observed.length;
  const mean = (sum(observed) + sum(planted)) / all;
  const square = (x: number) => (x - mean) ** 2;
  const deviation = Math.sqrt((sum(observed.map(square)) + sum(planted.map(square))) / all) || 1;
  const { scores, counts } = counted(observed.map((x) => (x - mean) / deviation));
  const examples = planted.map((x) => (x - mean) / deviation);
  const low = examples.slice().sort()[examples.length >> 2];
  let chances = scores.map((x) => (x > low ? 0.9 : 0));
  let [constant, slope] = [0, 0];
  let faults = 0;
  for (let round = 0; round < 500; round++) {
    for (let step = 0; step < 3; step++) {
      // A slight pull towards zero keeps the slope finite where the two do not overlap.
      let [g0, g1, h00, h01, h11] = [-1e-6 * constant, -1e-2 * slope, 1e-6, 0, 1e-2];
      const add = (x: number, faulty: number, sound: number) => {
        const p = sigmoid(constant + slope * x);
        const error = faulty * (1 - p) - sound * p;
        const weight = (faulty + sound) * p * (1 - p);
        g0 += error;
        g1 += error * x;
        h00 += weight;
        h01 += weight * x;
        h11 += weight * x * x;
      };
      for (const x of examples) add(x, 1, 0);
      for (const [i, x] of scores.entries()) add(x, counts[i] * chances[i], counts[i] * (1 - chances[i]));
      const determinant = h00 * h11 - h01 * h01;
      constant += bounded((h11 * g0 - h01 * g1) / determinant);
      slope += bounded((h00 * g1 - h01 * g0) / determinant);
    }
    faults = chances.reduce((total, chance, i) => total + chance * counts[i], 0);
    const offset = offsetOf();
    let change = 0;
    chances = chances.map((before, i) => {
      const chance = sigmoid(offset + slope * scores[i]);
      change = Math.max(change, Math.abs(chance - before));
      return chance;
    });
    if (round > 5 && change < 1e-5) break;
  }
  function offsetOf(): number {
    const sound = observed.length - faults;
    const share = Math.log(Math.max(0.5, faults) / Math.max(1, sound));
    return share + constant - Math.log((examples.length + faults) / Math.max(1e-9, sound));
  }
  const offset = offsetOf();
  return {
    oddsOf: (score) => offset + (slope * (score - mean)) / deviation,
    expected: chances.reduce((total, chance, i) => total + chance * counts[i], 0),
  };
}

const sum = (values: Float64Array): number => values.reduce((total, x) => total + x, 0);
const bounded = (step: number): number => (Number.isFinite(step) ? Math.max(-3, Math.min(3, step)) : 0);

/** Scores with how often each occurs; many are put into bins. */
function counted(values: Float64Array): { scores: Float64Array; counts: Float64Array } {
  if (values.length <= bins) return { scores: values, counts: new Float64Array(values.length).fill(1) };
  const sorted = values.slice().sort();
  const [low, high] = [sorted[0], sorted[sorted.length - 1]];
  const counts = new Float64Array(bins);
  const sums = new Float64Array(bins);
  for (const x of sorted) {
    const bin = high > low ? Math.min(bins - 1, Math.floor(((x - low) / (high - low)) * bins)) : 0;
    counts[bin]++;
    sums[bin] += x;
  }
  const some = [...counts.keys()].filter((bin) => counts[bin] > 0);
  return {
    scores: Float64Array.from(some, (bin) => sums[bin] / counts[bin]),
    counts: Float64Array.from(some, (bin) => counts[bin]),
  };
}
