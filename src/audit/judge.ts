import { throwIfAborted } from "../errors.js";
import { groupBy } from "../util/group-by.js";
import { sigmoid } from "../util/sigmoid.js";
import type { AuditCorpus } from "./audit-corpus.js";
import { type NamePair, namePairs } from "./name-pairs.js";
import { pairOdds, tailOdds } from "./pair-odds.js";
import { people } from "./people.js";
import { type Planted, plant, plantings } from "./plant.js";
import { type SplitName, splitNames } from "./split-names.js";
import { tiltedOdds } from "./tilted-odds.js";
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

/** A corpus and what is thought of it: the one that is judged, or a copy with planted faults. */
interface World {
  corpus: AuditCorpus;
  weights: Float64Array;
  personOfName: Int32Array;
  /** Uint8Array (n): 1 for the smaller part of a name of two people. */
  isApart: Uint8Array;
  evidence: LabelEvidence;
  planted?: Planted;
}

/** A model that judges a name of two people has not seen it. */
const folds = 2;
/** So many labels are wrong where nothing is known yet. */
const fewWrong = 0.05;

/**
 * Judges pairs of names, labels and names of two people, each in the light of the others.
 *
 * Everything is done alike to the corpus and to copies of it with planted faults. Those show how faults score here, which makes
 * probabilities of scores.
 */
export async function judge(
  corpus: AuditCorpus,
  { rounds, isLearned, onProgress = () => undefined, abortSignal }: JudgeOptions,
): Promise<Judged> {
  const { n, names } = corpus;
  // With the same variance in every direction the scores depend on cosines alone.
  const shrinkage = isLearned ? {} : { shrinkage: 1, betweenShrinkage: 1 };
  const real = worldOf(corpus);
  const copies = Array.from({ length: plantings(n) }, (_, seed) => {
    const planted = plant(corpus, seed + 1);
    return { ...worldOf(planted.corpus), planted };
  });
  const worlds: World[] = [real, ...copies];
  const total = n * (rounds + 2);
  let done = 0;
  const advance = (stage: AuditProgress["stage"]) => (count: number) => {
    done += count;
    onProgress({ stage, done, total });
  };
  let logOdds = new Float64Array(n).fill(-Infinity);
  let share = fewWrong;
  let pairs: Judged["pairs"] = [];
  // How likely two names are one, by `first * names + second`, for those that may be.
  let aliases = new Map<number, number>();
  let merged: Judged["merged"] = [];

  for (let round = 0; round < rounds; round++) await judgeLabels(false);
  await judgePairs();
  judgeNames();
  await judgeLabels(true);
  const { weights, personOfName, evidence } = real;
  const labels = { ...evidence, logOdds, isOfOther: (i: number) => isOfOther(evidence, i) };
  return { weights, personOfName, pairs, merged, labels };

  async function judgeLabels(joins: boolean): Promise<void> {
    for (const world of worlds) {
      const own = joins ? world.personOfName : Int32Array.from(world.corpus.names.keys());
      const known = people(world.corpus, rowsToPeople(world, own), world.weights, shrinkage);
      world.evidence = await labelEvidence(
        world.corpus,
        known,
        world.weights,
        world.planted?.touched ?? Int32Array.from(Array(n).keys()),
        {
          aliasOf: aliasesOf(world),
          hubOf: world === real ? undefined : hubsOf(world),
          wrongOfPerson: (share * n) / known.count,
          onRows: world === real ? advance("labels") : undefined,
          abortSignal,
        },
      );
    }
    const scoreOf = ({ evidence: { own, alternative } }: World, i: number) => alternative[i] - own[i];
    const planted = copies.flatMap((copy) =>
      Array.from(copy.planted.moved)
        .filter((i) => !(logOdds[copy.planted.originOf[i]] > 0))
        .map((i) => scoreOf(copy, i)),
    );
    const observed = Float64Array.from({ length: n }, (_, i) => scoreOf(real, i));
    const { oddsOf, expected } = tiltedOdds(observed, Float64Array.from(planted));
    share = Math.max(expected, 0.5) / n;
    logOdds = observed.map(oddsOf);
    ownersOfNames(corpus, logOdds, Int32Array.from(Array(n).keys()));
    real.weights = logOdds.map((x) => sigmoid(-x));
    for (const copy of copies) {
      const { originOf, touched } = copy.planted;
      const odds = Float64Array.from(originOf, (origin) => logOdds[origin]);
      for (const i of touched) odds[i] = oddsOf(scoreOf(copy, i));
      ownersOfNames(copy.corpus, odds, touched);
      copy.weights = odds.map((x) => sigmoid(-x));
    }
  }

  /** The name of the corpus that a person of a world has; parts of names count behind all names. */
  function originOf({ planted, corpus: { names: own } }: World, person: number): number {
    const name = person % own.length;
    return planted === undefined ? name : planted.originOfName[name];
  }

  /** A copy has too few rows to measure what strangers get: a person of a copy has what her name has in the corpus. */
  function hubsOf(world: World): (person: number) => number {
    return (person) => real.evidence.hubs[real.personOfName[originOf(world, person)]];
  }

  function aliasesOf(world: World): (person: number, other: number) => number {
    return (person, other) => {
      if (Math.max(person, other) >= world.corpus.names.length) return 0;
      const [a, b] = [originOf(world, person), originOf(world, other)];
      return aliases.get(Math.min(a, b) * names.length + Math.max(a, b)) ?? 0;
    };
  }

  async function judgePairs(): Promise<void> {
    throwIfAborted("The audit", abortSignal);
    // Each name counts as a person: a pair that had been joined before would look like one person ever after.
    const known = people(corpus, corpus.nameOf, real.weights, shrinkage);
    const { pairs: scored, usual } = await namePairs(
      corpus,
      known,
      { weights: real.weights, evidence: real.evidence, wrong: share },
      { abortSignal },
    );
    const scoresOf = (across: boolean) =>
      Float64Array.from(
        scored.filter((pair) => isAcross(corpus, pair) === across),
        ({ score }) => score,
      );
    const possible = possiblePairs(corpus);
    const within = pairOdds(scoresOf(false), possible.within);
    const apart = pairOdds(scoresOf(true), possible.across);
    // Nobody knows how far a change of channel lowers the scores of one person.
    const shifted = tailOdds(scoresOf(true), { most: usual, tail: Math.round(0.2 * names.length) });
    const across = (score: number) => Math.max(apart(score), shifted(score));
    pairs = withoutRivals(
      scored.map((pair) => ({
        ...pair,
        logOdds: (isAcross(corpus, pair) ? across : within)(pair.score),
      })),
    );
    const personOfName = joined(names.length, pairs);
    for (const world of worlds) world.personOfName = inWorld(world, personOfName);
    aliases = new Map(
      pairs
        .filter((pair) => pair.logOdds > -4)
        .map((pair) => [pair.first * names.length + pair.second, sigmoid(pair.logOdds)]),
    );
  }

  function judgeNames(): void {
    throwIfAborted("The audit", abortSignal);
    const known = people(corpus, rowsToPeople(real, real.personOfName), real.weights, {
      ...shrinkage,
      folds: isLearned ? folds : 1,
    });
    const split = splitNames(corpus, known, { weights: real.weights, evidence: real.evidence, wrong: share });
    const scores = Float64Array.from(split, ({ score }) => score);
    const atFaceValue = pairOdds(scores, split.length);
    // The best of many splits of noisy rows is better than it should be, and how much so the other names show.
    const beyondOthers = tailOdds(scores, { most: Math.max(...scores), tail: Math.round(split.length / 3) });
    const oddsOf = (score: number) => Math.min(atFaceValue(score), beyondOthers(score));
    merged = split.map((name) => ({ ...name, logOdds: oddsOf(name.score) }));
    for (const { part, logOdds: odds } of merged) if (odds > 0) for (const i of part) real.isApart[i] = 1;
    for (const { planted, isApart } of copies)
      planted.originOf.forEach((origin, i) => {
        isApart[i] = real.isApart[origin];
      });
    advance("names")(n);
  }
}

function worldOf(corpus: AuditCorpus): World {
  const { n, names } = corpus;
  const none = new Float64Array(n);
  return {
    corpus,
    weights: new Float64Array(n).fill(1),
    personOfName: Int32Array.from(names.keys()),
    isApart: new Uint8Array(n),
    evidence: {
      own: none,
      alternative: none,
      rest: none,
      nearest: new Int32Array(n).fill(-1),
      other: none,
      hubs: none,
    },
  };
}

/** Rows to people: the smaller parts of names of two people are people of their own. */
const rowsToPeople = ({ corpus: { names, nameOf }, isApart }: World, personOfName: Int32Array): Int32Array =>
  nameOf.map((name, i) => (isApart[i] ? names.length + name : personOfName[name]));

/** How many pairs of names there are in one data set, and in two. */
function possiblePairs({ names }: AuditCorpus): { within: number; across: number } {
  const pairsOf = (count: number) => (count * (count - 1)) / 2;
  const sizes = [...groupBy(names, ({ dataset }) => dataset).values()].map(({ length }) => length);
  const within = sizes.reduce((sum, size) => sum + pairsOf(size), 0);
  return { within, across: pairsOf(names.length) - within };
}

/** Names to people, for a copy: names are one person where they are in the corpus. */
function inWorld({ planted }: World, personOfName: Int32Array): Int32Array {
  if (planted === undefined) return personOfName;
  const nameOfPerson = new Map<number, number>();
  return planted.originOfName.map((origin, s) => {
    const person = personOfName[origin];
    if (!nameOfPerson.has(person)) nameOfPerson.set(person, s);
    return nameOfPerson.get(person)!;
  });
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
function ownersOfNames({ names, nameOf }: AuditCorpus, logOdds: Float64Array, rows: Int32Array): void {
  let last = -1;
  for (const row of rows) {
    if (nameOf[row] === last) continue;
    last = nameOf[row];
    const { from, to } = names[last];
    const order = Array.from({ length: to - from }, (_, r) => from + r).sort(
      (a, b) => logOdds[b] - logOdds[a] || a - b,
    );
    for (const i of order.slice((to - from) >> 1)) logOdds[i] = Math.min(logOdds[i], -0.01);
  }
}

const isAcross = ({ names }: AuditCorpus, { first, second }: NamePair) =>
  names[first].dataset !== names[second].dataset;
