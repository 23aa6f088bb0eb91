import { UntrainableError } from "../scoring/plda.js";
import { breather } from "../similarity/breather.js";
import { logSum } from "../util/log-sum.js";
import { gatherRows } from "../vectors/gather-rows.js";
import type { AuditCorpus } from "./audit-corpus.js";
import { type Candidates, hubs } from "./hubs.js";
import { nearest } from "./nearest.js";
import { onAxes, type People } from "./people.js";
import { setScores } from "./set-score.js";

/** What speaks for and against the label of every row. */
export interface LabelEvidence {
  /** Float64Array (n): log likelihood, against that of a stranger, that it is of its own person, judged without the row. */
  own: Float64Array;
  /** Float64Array (n): the same for anybody else. */
  alternative: Float64Array;
  /** Float64Array (n): the same for anybody else but the likeliest. */
  rest: Float64Array;
  /** Int32Array (n): the likeliest other person; -1 where there is none. */
  nearest: Int32Array;
  /** Float64Array (n): the log likelihood ratio of the model for that person. */
  other: Float64Array;
  /** The share of utterances that sound like nobody, whoever speaks. */
  outlier: number;
}

/** Whom a wrong label hides may be nobody of the corpus. */
const stranger = 0.05;
/** So many utterances sound like nobody, at most. */
const mostOutliers = 0.01;
/** Of so many utterances none says yet that there are fewer. */
const fewUtterances = 100;
/** Log likelihood ratios of embeddings are about twice as sure as they should be: their noise is no Gaussian. */
export const trust = 0.5;
/** Rows on the axes of the model at a time, to bound the memory. */
const blockRows = 8192;

/**
 * What the voices say of every label: how well a row goes with the other rows of its person, and how well with anybody else.
 *
 * own = log((1-κ) exp(λ/2) + κ) for its own person without the row, and without its session where the person has two;
 * alternative = log((1-ρ)/N Σ n exp((λ - h)/2) + ρ) over the others: the more of the N utterances are a person's, the likelier is one of
 * them under another name. λ is the log likelihood ratio of the model, and h what strangers get (`hubs`).
 * κ is found in the corpus by expectation maximisation.
 *
 * @param options.wrong the share of labels that are wrong, as far as that is known
 * @param options.aliasOf how likely two people are one, where that is not known: then neither speaks against the label of the other
 */
export async function labelEvidence(
  corpus: AuditCorpus,
  people: People,
  weights: Float64Array,
  {
    aliasOf,
    wrong = 0,
    onRows = () => undefined,
    abortSignal,
  }: {
    aliasOf: (person: number, other: number) => number;
    wrong?: number;
    onRows?: (count: number) => void;
    abortSignal?: AbortSignal;
  },
): Promise<LabelEvidence> {
  const { n } = corpus;
  const { personOf, counts } = people;
  const result: LabelEvidence = {
    own: new Float64Array(n),
    alternative: new Float64Array(n),
    rest: new Float64Array(n),
    nearest: new Int32Array(n).fill(-1),
    other: new Float64Array(n),
    outlier: mostOutliers,
  };
  const model = people.modelWithout(0);
  const { between } = model;
  const rank = between.length;
  const known = Int32Array.from([...counts.keys()].filter((person) => counts[person] > 0.3));
  if (rank === 0)
    throw new UntrainableError(
      "people",
      "No speaker differs from the others. Give utterances of several people.",
    );
  const means = onAxes(model, people.sums, counts);
  const scoreOf = setScores(between, counts, means);
  const others = gatherRows(means, known, rank);
  const sessionOf = sessions(corpus, personOf, weights);
  const onModel = new Map<number, Float64Array>();
  const sumOf = (session: Session) => {
    let sum = onModel.get(session.first);
    if (sum === undefined) {
      sum = onAxes(model, session.sum, Float64Array.of(session.count)).map((x) => x * session.count);
      onModel.set(session.first, sum);
    }
    return sum;
  };
  const left = new Float64Array(rank);
  const likeness = new Float64Array(n);
  const candidates: Candidates = { k: 0, people: new Int32Array(0), scores: new Float32Array(0) };

  const breathe = breather(abortSignal, "The audit");

  for (let from = 0; from < n; from += blockRows) {
    const to = Math.min(n, from + blockRows);
    const at = onAxes(model, corpus.data.subarray(from * corpus.dimension, to * corpus.dimension));
    const found = await nearest(between, at, { others, abortSignal });
    if (candidates.k === 0) {
      candidates.k = found.k;
      candidates.people = new Int32Array(n * found.k).fill(-1);
      candidates.scores = new Float32Array(n * found.k);
    }
    for (let i = from; i < to; i++) {
      await breathe();
      const row = i - from;
      const person = personOf[i];
      const session = sessionOf(i);
      // A person of one session is all that can be asked; the row alone is then left out.
      const leaves = session !== undefined && session.count < counts[person] - 0.01;
      const count = counts[person] - (leaves ? session.count : weights[i]);
      const gone = leaves ? sumOf(session) : undefined;
      let ratio = 0;
      if (count > 0.01) {
        for (let r = 0; r < rank; r++)
          left[r] =
            (means[person * rank + r] * counts[person] -
              (gone === undefined ? weights[i] * at[row * rank + r] : gone[r])) /
            count;
        ratio = setScores(between, Float64Array.of(count), left)(0, at, row * rank);
      }
      likeness[i] = trust * ratio;

      for (let c = 0; c < found.k; c++) {
        const other = known[found.index[row * found.k + c]];
        if (other === person) continue;
        candidates.people[i * candidates.k + c] = other;
        candidates.scores[i * candidates.k + c] = scoreOf(other, at, row * rank);
      }
    }
    onRows(to - from);
  }
  weighOthers(people, known, candidates, { aliasOf, wrong }, result);
  result.outlier = shareOfOutliers(likeness, result.alternative, wrong);
  result.own = likeness.map((log) => ownOf(log, result.outlier));
  return result;
}

const ownOf = (likeness: number, outlier: number): number =>
  logSum(Math.log(1 - outlier) + likeness, Math.log(outlier));

/**
 * How many utterances sound like nobody. Some of those are wrong labels of strangers, and how many is known from how many labels are
 * wrong at all: the rest are outliers, so that where few utterances sound like nobody those that do are rather wrong. They are no
 * more than `mostOutliers`: where half of the labels are wrong most utterances sound like nobody at first.
 */
function shareOfOutliers(likeness: Float64Array, alternative: Float64Array, wrong: number): number {
  const n = likeness.length;
  let outlier = mostOutliers;
  for (let round = 0; round < 50; round++) {
    let sum = fewUtterances * mostOutliers;
    for (let i = 0; i < n; i++) {
      const isOwn = (1 - wrong) * Math.exp(ownOf(likeness[i], outlier));
      sum += ((1 - wrong) * outlier) / (isOwn + wrong * Math.exp(alternative[i]));
    }
    const last = outlier;
    outlier = Math.min(mostOutliers, sum / (n + fewUtterances));
    if (Math.abs(outlier - last) < 1e-6 * outlier) break;
  }
  return outlier;
}

function weighOthers(
  { personOf, counts }: People,
  known: Int32Array,
  candidates: Candidates,
  {
    aliasOf,
    wrong,
  }: {
    aliasOf: (person: number, other: number) => number;
    wrong: number;
  },
  result: LabelEvidence,
): void {
  const { k, people, scores } = candidates;
  const taken = hubs(candidates, (row) => personOf[row], {
    count: counts.length,
    wrongOf: (person) => wrong * counts[person],
  });
  const total = known.reduce((sum, person) => sum + counts[person], 0);
  const shares = counts.map((count) => Math.log(((1 - stranger) * count) / total));
  personOf.forEach((person, i) => {
    // The likeliest so far, and the sum over the others.
    let [best, rest] = [-Infinity, Math.log(stranger)];
    for (let at = i * k; at < (i + 1) * k; at++) {
      const other = people[at];
      if (other < 0) continue;
      const score = scores[at] - taken[other];
      const alias = aliasOf(person, other);
      const part = trust * score + shares[other] + Math.log1p(-Math.min(alias, 1 - 1e-9));
      rest = logSum(rest, Math.min(part, best));
      if (part <= best) continue;
      best = part;
      result.nearest[i] = other;
      result.other[i] = score;
    }
    result.rest[i] = rest;
    result.alternative[i] = logSum(best, rest);
  });
}

/** Whether the likeliest other person is likelier than all the others and a stranger together. */
export const isOfOther = ({ nearest: person, rest, alternative }: LabelEvidence, i: number): boolean =>
  person[i] >= 0 && rest[i] < alternative[i] - Math.LN2;

interface Session {
  /** Its first row. */
  first: number;
  /** The weights of its rows, summed. */
  count: number;
  /** The weighted sum of its embeddings. */
  sum: Float64Array;
}

/** The session of a row, of those that have several rows of one name and person. */
function sessions(
  { n, dimension: d, data, nameOf, sessionOf }: AuditCorpus,
  personOf: Int32Array,
  weights: Float64Array,
): (i: number) => Session | undefined {
  const keyOf = (i: number) => `${personOf[i]} ${nameOf[i]} ${sessionOf[i]}`;
  const isShared = new Uint8Array(n);
  for (let i = 0; i < n; i++) if (sessionOf[i] !== i) isShared[i] = isShared[sessionOf[i]] = 1;
  const found = new Map<string, Session>();
  for (let i = 0; i < n; i++) {
    if (!isShared[i]) continue;
    const key = keyOf(i);
    const session = found.get(key) ?? { first: i, count: 0, sum: new Float64Array(d) };
    session.count += weights[i];
    for (let k = 0; k < d; k++) session.sum[k] += weights[i] * data[i * d + k];
    found.set(key, session);
  }
  return (i) => (isShared[i] ? found.get(keyOf(i)) : undefined);
}
