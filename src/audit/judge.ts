import { throwIfAborted } from "../errors.js";
import { groupBy } from "../util/group-by.js";
import { sigmoid } from "../util/sigmoid.js";
import type { AuditCorpus } from "./audit-corpus.js";
import { faultOdds, tailOdds } from "./fault-odds.js";
import { type NamePair, namePairs } from "./name-pairs.js";
import { type People, type PeopleOptions, people } from "./people.js";
import { type SplitName, splitNames } from "./split-names.js";
import { isOfOther, type LabelEvidence, labelEvidence } from "./wrong-labels.js";

/** What was found, before it is put into words. */
export interface Judged {
  /** Float64Array (n): how sure it is that a row is of its name. */
  weights: Float64Array;
  /** Name to the first of the names that are of one person. */
  personOfName: Int32Array;
  pairs: (NamePair & { logOdds: number })[];
  merged: (SplitName & { logOdds: number })[];
  labels: LabelEvidence & {
    /** Float64Array (n): natural log odds that the label is wrong. */
    logOdds: Float64Array;
    /** Whether somebody in particular is likelier than everybody else together. */
    isOfOther(row: number): boolean;
  };
}

/** How far the audit is, in utterances looked at. */
export interface AuditProgress {
  stage: "labels" | "names";
  done: number;
  total: number;
}

export interface JudgeOptions {
  rounds: number;
  isLearned: boolean;
  onProgress?: (progress: AuditProgress) => void;
  abortSignal?: AbortSignal;
}

/** A model that judges a name of two people has not seen it. */
const folds = 2;
/** Less than these no finding has to be told apart. */
const leastLogOdds = -20;
/** So many labels are wrong where nothing is known yet. */
const fewWrong = 0.05;

/**
 * Judges pairs of names, labels and names of two people, each in the light of the others.
 *
 * All are judged by log likelihood ratios of what may be wrong against what is right, and become odds by how many of them speak for a
 * fault.
 */
export async function judge(
  corpus: AuditCorpus,
  { rounds, isLearned, onProgress = () => undefined, abortSignal }: JudgeOptions,
): Promise<Judged> {
  const { n, names, nameOf } = corpus;
  // With the same variance in every direction the scores depend on cosines alone.
  const shrinkage = isLearned ? {} : { shrinkage: 1, betweenShrinkage: 1 };
  const total = n * (rounds + 2);
  let done = 0;
  const advance = (stage: AuditProgress["stage"]) => (count: number) => {
    done += count;
    onProgress({ stage, done, total });
  };
  let wrong = fewWrong;
  const shares = sharesOfCopies(corpus);
  let weights = shares.slice();
  let personOfName: Int32Array = Int32Array.from(names.keys());
  /** 1 for the smaller part of a name of two people. */
  const isApart = new Uint8Array(n);

  for (let round = 1; round < rounds; round++) await judgeLabels();
  const { evidence } = await judgeLabels();
  const pairs = await judgePairs();
  personOfName = joined(names.length, pairs);
  const merged = await judgeNames();
  for (const { part, logOdds } of merged) if (logOdds > 0) for (const i of part) isApart[i] = 1;
  const labels = await judgeLabels(aliasesOf(pairs));
  return {
    weights: weights.map((weight, i) => weight / shares[i]),
    personOfName,
    pairs,
    merged,
    labels: {
      ...labels.evidence,
      logOdds: labels.logOdds,
      isOfOther: (i) => isOfOther(labels.evidence, i),
    },
  };

  /** The smaller parts of names of two people are people of their own. */
  function peopleOf(options: PeopleOptions = {}): People {
    const personOf = nameOf.map((name, i) => (isApart[i] ? names.length + name : personOfName[name]));
    return people(corpus, personOf, weights, { ...shrinkage, ...options });
  }

  async function judgeLabels(aliasOf: (person: number, other: number) => number = () => 0) {
    const known = peopleOf();
    const found = await labelEvidence(corpus, known, weights, {
      aliasOf,
      wrong,
      onRows: advance("labels"),
      abortSignal,
    });
    const scores = found.alternative.map((alternative, i) => alternative - found.own[i]);
    const logOdds = scores.map(faultOdds(scores, n));
    wrong = logOdds.reduce((sum, odds) => sum + sigmoid(odds), 0) / n;
    ownersOfNames(corpus, logOdds);
    weights = logOdds.map((odds, i) => shares[i] * sigmoid(-odds));
    return { evidence: found, logOdds };
  }

  async function judgePairs(): Promise<Judged["pairs"]> {
    throwIfAborted("The audit", abortSignal);
    const { pairs: scored, usual } = await namePairs(
      corpus,
      peopleOf(),
      { weights, evidence, wrong },
      { abortSignal },
    );
    const scoresOf = (across: boolean) =>
      Float64Array.from(
        scored.filter((pair) => isAcross(corpus, pair) === across),
        ({ score }) => score,
      );
    const possible = possiblePairs(corpus);
    const within = faultOdds(scoresOf(false), possible.within);
    const apart = faultOdds(scoresOf(true), possible.across);
    // Nobody knows how far a change of channel lowers the scores of one person: even to where they speak against it.
    const shifted = tailOdds(scoresOf(true), {
      least: -usual / 4,
      most: usual,
      tail: Math.round(0.2 * names.length),
    });
    const across = (score: number) => Math.max(apart(score), shifted(score));
    return withoutRivals(
      scored.map((pair) => ({
        ...pair,
        logOdds: (isAcross(corpus, pair) ? across : within)(pair.score),
      })),
    );
  }

  async function judgeNames(): Promise<Judged["merged"]> {
    const known = peopleOf({ folds: isLearned ? folds : 1 });
    const { names: split, usual } = await splitNames(
      corpus,
      known,
      { weights, evidence, wrong },
      { onRows: advance("names"), abortSignal },
    );
    const scores = Float64Array.from(split, ({ score }) => score);
    const atFaceValue = faultOdds(scores, split.length);
    // The best of many splits of noisy rows is better than it should be, and how much so the other names show: two thirds of the log
    // odds come from there. Both together find more than either alone. Without a model of voices both have to hold.
    const beyondOthers = tailOdds(scores, {
      most: scores.reduce((most, score) => Math.max(most, score), usual),
      tail: Math.round(split.length / 3),
    });
    return split.map((name) => {
      const [face, beyond] = [atFaceValue(name.score), Math.max(leastLogOdds, beyondOthers(name.score))];
      return { ...name, logOdds: isLearned ? (face + 2 * beyond) / 3 : Math.min(face, beyond) };
    });
  }

  /** How likely two people are one, of those that are not known to be. */
  function aliasesOf(pairs: Judged["pairs"]): (person: number, other: number) => number {
    const aliases = new Map(
      pairs
        .filter(({ logOdds }) => logOdds > -4)
        .map(({ first, second, logOdds }) => [first * names.length + second, sigmoid(logOdds)]),
    );
    return (person, other) =>
      aliases.get(Math.min(person, other) * names.length + Math.max(person, other)) ?? 0;
  }
}

/** All copies of an utterance under one name weigh as much as one. */
function sharesOfCopies({ n, firstEqual }: AuditCorpus): Float64Array {
  const copies = new Float64Array(n);
  for (const first of firstEqual) copies[first]++;
  return Float64Array.from(firstEqual, (first) => 1 / copies[first]);
}

/** How many pairs of names there are in one data set, and in two. */
function possiblePairs({ names }: AuditCorpus): { within: number; across: number } {
  const pairsOf = (count: number) => (count * (count - 1)) / 2;
  const sizes = [...groupBy(names, ({ dataset }) => dataset).values()].map(({ length }) => length);
  const within = sizes.reduce((sum, size) => sum + pairsOf(size), 0);
  return { within, across: pairsOf(names.length) - within };
}

/**
 * Where a name would have one owner with a second name by some of its rows, and with a third by others, only one of both can be:
 * each is as likely as its share of their likelihoods.
 */
function withoutRivals(pairs: Judged["pairs"]): Judged["pairs"] {
  const sides = pairs.flatMap((pair) => [
    { name: pair.first, rows: pair.firstRows, pair },
    { name: pair.second, rows: pair.secondRows, pair },
  ]);
  const ofName = groupBy(
    sides.filter(({ rows, pair }) => rows > 0 && pair.score > 0),
    ({ name }) => name,
  );
  const shareOf = (name: number, rows: number, score: number) => {
    let rivals = 1;
    for (const side of rows > 0 ? (ofName.get(name) ?? []) : [])
      if ((side.rows & rows) === 0) rivals += Math.exp(side.pair.score - score);
    return 1 / rivals;
  };
  return pairs.map((pair) => {
    const { first, second, firstRows, secondRows, score, logOdds } = pair;
    const share = shareOf(first, firstRows, score) * shareOf(second, secondRows, score);
    return share === 1 ? pair : { ...pair, logOdds: lessSure(logOdds, share) };
  });
}

/** The log odds of what is so with some odds, and means what it seems to in a share of the cases. */
function lessSure(logOdds: number, share: number): number {
  const sure = sigmoid(logOdds) * share;
  return Math.log(sure / (1 - sure));
}

/** Names to people: those of a pair are one. */
function joined(count: number, pairs: Judged["pairs"]): Int32Array {
  const person = Int32Array.from({ length: count }, (_, s) => s);
  const root = (s: number): number => (person[s] === s ? s : root(person[s]));
  for (const { first, second, logOdds } of pairs)
    if (logOdds > 0) {
      const [a, b] = [root(first), root(second)];
      person[Math.max(a, b)] = Math.min(a, b);
    }
  return person.map((_, s) => root(s));
}

/** A name belongs to the most of its utterances: at most half of its labels can be wrong, the most doubtful ones. */
function ownersOfNames({ names }: AuditCorpus, logOdds: Float64Array): void {
  for (const { from, to } of names) {
    const order = Array.from({ length: to - from }, (_, r) => from + r).sort(
      (a, b) => logOdds[b] - logOdds[a] || a - b,
    );
    for (const i of order.slice((to - from) >> 1)) logOdds[i] = Math.min(logOdds[i], -0.01);
  }
}

const isAcross = ({ names }: AuditCorpus, { first, second }: NamePair) =>
  names[first].dataset !== names[second].dataset;
