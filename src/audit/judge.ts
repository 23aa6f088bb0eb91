import { throwIfAborted } from "../errors.js";
import { sigmoid } from "../util/sigmoid.js";
import type { AuditCorpus } from "./audit-corpus.js";
import { type NamePair, type NamePairs, namePairs } from "./name-pairs.js";
import { people } from "./people.js";
import { type Planted, plant, plantings } from "./plant.js";
import { type SplitName, splitNames } from "./split-names.js";
import { tiltedOdds } from "./tilted-odds.js";
import { twoGroups } from "./two-groups.js";
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
  /** How likely two names are one, by `first * names + second`, for those that may be. */
  aliases: Map<number, number>;
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
  const copies = Array.from({ length: plantings(names.length) }, (_, seed) => {
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
  let merged: Judged["merged"] = [];
  let persons = names.length;

  for (let round = 0; round < rounds; round++) await judgeLabels(false);
  await judgePairs();
  judgeNames();
  await judgeLabels(true);
  const { weights, personOfName, evidence } = real;
  const labels = { ...evidence, logOdds, isOfOther: (i: number) => isOfOther(evidence, i, persons) };
  return { weights, personOfName, pairs, merged, labels };

  async function judgeLabels(joins: boolean): Promise<void> {
    for (const world of worlds) {
      const own = joins ? world.personOfName : Int32Array.from(world.corpus.names.keys());
      const known = people(world.corpus, rowsToPeople(world, own), world.weights, shrinkage);
      if (world === real) persons = known.counts.filter((x) => x > 0).length;
      world.evidence = await labelEvidence(
        world.corpus,
        known,
        world.weights,
        world.planted?.touched ?? Int32Array.from(Array(n).keys()),
        { aliasOf: aliasesOf(world), onRows: world === real ? advance("labels") : undefined, abortSignal },
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

  async function judgePairs(): Promise<void> {
    const scored: NamePairs[] = [];
    for (const world of worlds) {
      throwIfAborted("The audit", abortSignal);
      // Each name counts as a person: a pair that had been joined before would look like one person ever after.
      const known = people(world.corpus, world.corpus.nameOf, world.weights, shrinkage);
      scored.push(await namePairs(world.corpus, known, world.weights, { abortSignal }));
    }
    const leastRows = (w: number, { first, second }: Pick<NamePair, "first" | "second">) =>
      Math.min(rowsFor(worlds[w], first, second), rowsFor(worlds[w], second, first));
    const planted = copies.flatMap((copy, c) =>
      copy.planted.halves.flatMap((halves) => {
        const ratio = scored[c + 1].ratioOf(halves.first, halves.second);
        return ratio === undefined ? [] : [{ ratio, isSingle: leastRows(c + 1, halves) < 2 }];
      }),
    );
    const groups = new Map<string, (pair: NamePair, rows: number) => number>();
    const groupOf = (world: World, pair: NamePair, rows: number) =>
      `${isAcross(world.corpus, pair)} ${rows < 2}`;
    for (const across of [false, true])
      for (const isSingle of [false, true]) {
        const own = scored[0].pairs.filter(
          (pair) => isAcross(corpus, pair) === across && leastRows(0, pair) < 2 === isSingle,
        );
        const alike = planted.filter((halves) => halves.isSingle === isSingle);
        const examples = alike.length < 10 ? planted : alike;
        const some = new Set(own.flatMap(({ first, second }) => [first, second])).size;
        const { oddsOf, expected } = twoGroups(
          Float64Array.from(own, ({ ratio }) => ratio),
          Float64Array.from(examples, ({ ratio }) => ratio),
          { tail: Math.min(Math.round(0.2 * some), own.length >> 1), isShifted: across },
        );
        // All rows of a name may be wrong labels, which looks like a second name of their speaker.
        const split = (2 * expected) / names.length;
        groups.set(`${across} ${isSingle}`, ({ ratio }, rows) =>
          lessSure(oddsOf(ratio), split / (split + share ** rows)),
        );
      }
    worlds.forEach((world, w) => {
      const judged = scored[w].pairs.map((pair) => {
        const rows = leastRows(w, pair);
        return { ...pair, logOdds: groups.get(groupOf(world, pair, rows))!(pair, rows) };
      });
      world.personOfName = joined(world.corpus.names.length, judged);
      world.aliases = new Map(
        judged
          .filter((pair) => pair.logOdds > -4)
          .map((pair) => [pair.first * world.corpus.names.length + pair.second, sigmoid(pair.logOdds)]),
      );
      if (world === real) pairs = judged;
    });
  }

  function judgeNames(): void {
    // Two people put together with others say little of what two people look like.
    const isFaulty = new Uint8Array(names.length);
    for (const { first, second, logOdds: odds } of pairs)
      if (odds > 0) isFaulty[first] = isFaulty[second] = 1;
    const split = worlds.map((world) => {
      throwIfAborted("The audit", abortSignal);
      const known = people(world.corpus, rowsToPeople(world, world.personOfName), world.weights, {
        ...shrinkage,
        folds: isLearned ? folds : 1,
      });
      const wanted = world.planted?.unions.map(({ name }) => name) ?? [...names.keys()];
      return splitNames(world.corpus, known, wanted, world.evidence.other);
    });
    const planted = copies.flatMap((copy, c) => {
      const unions = copy.planted.unions.filter(({ origins }) => !origins.some((s) => isFaulty[s]));
      const sound = new Set(unions.map(({ name }) => name));
      return split[c + 1].filter(({ name }) => sound.has(name)).map(({ score }) => score);
    });
    const observed = Float64Array.from(split[0], ({ score }) => score);
    const { oddsOf } = twoGroups(observed, Float64Array.from(planted), {
      tail: Math.floor(observed.length / 3),
    });
    worlds.forEach((world, w) => {
      const judged = split[w].map((name) => ({ ...name, logOdds: oddsOf(name.score) }));
      world.isApart = new Uint8Array(n);
      for (const { part, logOdds: odds } of judged) if (odds > 0) for (const i of part) world.isApart[i] = 1;
      if (world === real) merged = judged;
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
    aliases: new Map(),
    evidence: { own: none, alternative: none, nearest: new Int32Array(n).fill(-1), other: none },
  };
}

/** Rows to people: the smaller parts of names of two people are people of their own. */
const rowsToPeople = ({ corpus: { names, nameOf }, isApart }: World, personOfName: Int32Array): Int32Array =>
  nameOf.map((name, i) => (isApart[i] ? names.length + name : personOfName[name]));

function aliasesOf({ aliases, corpus: { names } }: World): (person: number, other: number) => number {
  return (person, other) =>
    aliases.get(Math.min(person, other) * names.length + Math.max(person, other)) ?? 0;
}

/** Rows that a name can put forward for being of one person with another: its own, and those that seem to be the other's. */
function rowsFor({ corpus: { names }, weights, evidence }: World, name: number, other: number): number {
  let rows = 0;
  for (let i = names[name].from; i < names[name].to; i++)
    rows += Number(weights[i] > 0.5 || evidence.nearest[i] === other);
  return rows;
}

/** The log odds of what is so with some odds, and means what it seems to in a share of the cases. */
function lessSure(logOdds: number, share: number): number {
  const sure = sigmoid(logOdds);
  const unsure = sigmoid(-logOdds);
  return logOdds === -Infinity ? logOdds : Math.log((sure * share) / (unsure * share + (1 - share)));
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
