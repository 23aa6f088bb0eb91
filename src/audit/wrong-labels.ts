import { logSum } from "../util/log-sum.js";
import { quantile } from "../vectors/quantile.js";
import { random } from "../vectors/random.js";
import type { AuditCorpus } from "./audit-corpus.js";
import { nearest } from "./nearest.js";
import { onAxes, type People } from "./people.js";
import { setScores } from "./set-score.js";

export interface LabelDoubts {
  /** Float64Array (n): natural log odds that the row is not of its person. */
  logOdds: Float64Array;
  /** Int32Array (n): the likeliest other person; -1 where there is none. */
  nearest: Int32Array;
  /** Float64Array (n): calibrated log likelihood ratio for its own person without the row, and for the other. */
  own: Float64Array;
  other: Float64Array;
}

/** The speaker of a wrong label may be nobody of the corpus. */
const stranger = 0.1;

/**
 * How sure it is that a row is not of the person it is said to be of, after Bayes: it is of its own person, or with the
 * prior ε of another, who is any one of the others, or a stranger.
 *
 * log ε/(1-ε) + log((1-ρ)/(P-1) Σ exp(λ of another) + ρ) - λ of its own without the row and its session.
 *
 * The scores λ are log likelihood ratios of a model that has seen neither the row nor its person, made honest by a line
 * whose slope and offset come from the corpus: where the normal curves through the lower quartile of the scores of rows
 * for their own person, and through the highest thousandth for others, cross. ε is the mean of the probabilities of the
 * round before.
 */
export async function wrongLabels(
  corpus: AuditCorpus,
  people: People,
  kept: Uint8Array,
  { prior, abortSignal }: { prior: number; abortSignal?: AbortSignal },
): Promise<LabelDoubts> {
  const { n } = corpus;
  const { personOf, counts } = people;
  const known = Int32Array.from([...counts.keys()].filter((person) => counts[person] > 0));
  const own = new Float64Array(n);
  const hasOwn = new Uint8Array(n);
  const others: { person: Int32Array; score: Float64Array } = {
    person: new Int32Array(0),
    score: new Float64Array(0),
  };
  let width = 0;
  const strangers: number[] = [];
  const samples = Math.max(1, Math.min(50, Math.round(200_000 / n)));
  const next = random(1);

  for (let fold = 0; fold < people.folds; fold++) {
    const rows = rowsOfFold(people, fold, n);
    if (rows.length === 0) continue;
    const model = people.modelWithout(fold);
    const rank = model.between.length;
    if (rank === 0) continue;
    const scoreOf = setScores(model.between);
    const means = onAxes(model, people.sums, counts);
    const at = onAxes(model, gather(corpus, rows));
    const found = await nearest(model.between, at, {
      others: gatherRows(means, known, rank),
      abortSignal,
    });
    if (width === 0) {
      width = found.k;
      others.person = new Int32Array(n * width).fill(-1);
      others.score = new Float64Array(n * width);
    }
    const sumOfSessions = sessionSums(corpus, personOf, rows, kept, at, rank);
    const mean = new Float64Array(rank);
    rows.forEach((i, row) => {
      const person = personOf[i];
      const session = sumOfSessions(i);
      // A person of one session is all that can be asked; the row alone is then left out.
      const leaves = session.count < counts[person] || kept[i] === 0;
      const gone = leaves ? session.count : 1;
      const left = counts[person] - gone;
      if (left > 0) {
        for (let r = 0; r < rank; r++)
          mean[r] =
            (means[person * rank + r] * counts[person] -
              (leaves ? session.sum[session.at + r] : at[row * rank + r])) /
            left;
        own[i] = scoreOf(left, 1)(mean, 0, at, row * rank);
        hasOwn[i] = 1;
      }
      for (let c = 0; c < width; c++) {
        const other = known[found.index[row * width + c]];
        others.person[i * width + c] = other;
        if (other !== person)
          others.score[i * width + c] = scoreOf(counts[other], 1)(means, other * rank, at, row * rank);
      }
      for (let s = 0; s < samples && kept[i]; s++) {
        const other = known[Math.floor(next() * known.length)];
        if (other !== person) strangers.push(scoreOf(counts[other], 1)(means, other * rank, at, row * rank));
      }
    });
  }
  const targets = Float64Array.from(own.filter((_, i) => hasOwn[i] === 1 && kept[i] === 1)).sort();
  const line = honestLine(targets, Float64Array.from(strangers).sort());
  return posteriors({ personOf, own, hasOwn, others, width, line, prior, people: known.length });
}

const rowsOfFold = ({ personOf, foldOf }: People, fold: number, n: number): Int32Array =>
  Int32Array.from([...Array(n).keys()].filter((i) => foldOf(personOf[i]) === fold));

function gather({ data, dimension: d }: AuditCorpus, rows: Int32Array): Float32Array {
  const block = new Float32Array(rows.length * d);
  rows.forEach((i, row) => {
    block.set(data.subarray(i * d, (i + 1) * d), row * d);
  });
  return block;
}

function gatherRows(values: Float64Array, rows: Int32Array, width: number): Float64Array {
  const block = new Float64Array(rows.length * width);
  rows.forEach((i, row) => {
    block.set(values.subarray(i * width, (i + 1) * width), row * width);
  });
  return block;
}

/** The sum of the kept rows of a row's person and session. */
function sessionSums(
  { nameOf, sessionOf }: AuditCorpus,
  personOf: Int32Array,
  rows: Int32Array,
  kept: Uint8Array,
  at: Float64Array,
  rank: number,
) {
  const sums = new Map<string, { sum: Float64Array; at: number; count: number }>();
  const nothing = { sum: new Float64Array(rank), at: 0, count: 0 };
  const keyOf = (i: number) => `${personOf[i]} ${nameOf[i]} ${sessionOf[i]}`;
  const alone = countSessions(rows, keyOf);
  rows.forEach((i, row) => {
    if (!kept[i]) return;
    const key = keyOf(i);
    if (alone.get(key) === 1) {
      sums.set(key, { sum: at, at: row * rank, count: 1 });
      return;
    }
    const own = sums.get(key) ?? { sum: new Float64Array(rank), at: 0, count: 0 };
    own.count++;
    for (let r = 0; r < rank; r++) own.sum[r] += at[row * rank + r];
    sums.set(key, own);
  });
  return (i: number) => sums.get(keyOf(i)) ?? nothing;
}

function countSessions(rows: Int32Array, keyOf: (i: number) => string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const i of rows) counts.set(keyOf(i), (counts.get(keyOf(i)) ?? 0) + 1);
  return counts;
}

/** Slope and offset that make scores log likelihood ratios. */
function honestLine(targets: Float64Array, strangers: Float64Array): { slope: number; offset: number } {
  if (targets.length === 0 || strangers.length === 0) return { slope: 1, offset: 0 };
  const high = quantile(targets, 0.5);
  const low = quantile(strangers, 0.5);
  if (high <= low) return { slope: 0, offset: 0 };
  const below = Math.max((high - quantile(targets, 0.25)) / 0.6745, 1e-9);
  const above = Math.max((quantile(strangers, 0.999) - low) / 3.0902, 1e-9);
  const middle = (low * below + high * above) / (below + above);
  const slope = Math.min(1, (middle - low) / above ** 2 + (high - middle) / below ** 2);
  return { slope, offset: Math.log(above / below) - slope * middle };
}

function posteriors({
  personOf,
  own,
  hasOwn,
  others,
  width,
  line: { slope, offset },
  prior,
  people,
}: {
  personOf: Int32Array;
  own: Float64Array;
  hasOwn: Uint8Array;
  others: { person: Int32Array; score: Float64Array };
  width: number;
  line: { slope: number; offset: number };
  prior: number;
  people: number;
}): LabelDoubts {
  const n = own.length;
  const logOdds = new Float64Array(n);
  const nearestPerson = new Int32Array(n).fill(-1);
  const ofOwn = new Float64Array(n);
  const ofOther = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    ofOwn[i] = hasOwn[i] ? slope * own[i] + offset : 0;
    let best = -Infinity;
    for (let c = i * width; c < (i + 1) * width; c++)
      if (others.person[c] >= 0 && others.person[c] !== personOf[i] && others.score[c] > best) {
        best = others.score[c];
        nearestPerson[i] = others.person[c];
      }
    const most = slope * best + offset;
    let sum = 0;
    if (nearestPerson[i] >= 0)
      for (let c = i * width; c < (i + 1) * width; c++)
        if (others.person[c] >= 0 && others.person[c] !== personOf[i])
          sum += Math.exp(slope * others.score[c] + offset - most);
    ofOther[i] = nearestPerson[i] < 0 ? 0 : most;
    const someOther =
      sum === 0 ? -Infinity : most + Math.log((sum * (1 - stranger)) / Math.max(1, people - 1));
    const alternative = logSum(someOther, Math.log(stranger));
    logOdds[i] = Math.log(prior / (1 - prior)) + alternative - ofOwn[i];
  }
  return { logOdds, nearest: nearestPerson, own: ofOwn, other: ofOther };
}
