import { groupBy } from "../util/group-by.js";
import { dot } from "../vectors/dot.js";
import { random } from "../vectors/random.js";
import type { AuditCorpus } from "./audit-corpus.js";

/** A corpus with more faults than it had, and where these are. */
export interface Planted {
  corpus: AuditCorpus;
  /** Int32Array (n): row to row of the corpus as it was. */
  originOf: Int32Array;
  /** Rows that were moved to another name. */
  moved: Int32Array;
  /** Names that were one, and the name that they were. */
  halves: { first: number; second: number; origin: number }[];
  /** Names that were two, and these. */
  unions: { name: number; origins: [number, number] }[];
  /** Int32Array, ascending: the rows of all names that changed. */
  touched: Int32Array;
}

/** Shares of the names that are split, of those that are put together, and of the rows that are moved. */
const splitShare = 0.08;
const unionShare = 0.06;
const movedShare = 0.04;
/** So many of the moved rows go to the most similar name, as such confusions do happen. */
const similarShare = 0.3;
/** No more of each are needed in a large corpus. */
const mostNames = 300;
const mostRows = 3_000;

/** How many planted corpora are needed to see what faults look like. */
export const plantings = (names: number): number =>
  Math.min(8, Math.max(1, Math.ceil(60 / Math.min(mostNames, splitShare * names))));

/**
 * Plants faults: splits names in two, puts names together and moves rows to other names, all within data sets. How these
 * score says how faults of this corpus score.
 */
export function plant(corpus: AuditCorpus, seed: number): Planted {
  const { n, names, nameOf, sessionOf } = corpus;
  const next = random(seed);
  const shuffled = <Item>(items: Item[]): Item[] => {
    for (let at = items.length - 1; at > 0; at--) {
      const other = Math.floor(next() * (at + 1));
      [items[at], items[other]] = [items[other], items[at]];
    }
    return items;
  };
  const sizeOf = (s: number) => names[s].to - names[s].from;
  const rowsOf = (s: number) => Array.from({ length: sizeOf(s) }, (_, r) => names[s].from + r);
  const label = Int32Array.from(nameOf);
  const datasetOf = names.map(({ dataset }) => dataset);
  const isUsed = new Uint8Array(names.length);

  const order = shuffled([...names.keys()]);
  const splittable = [
    ...order.filter((s) => sizeOf(s) > 3),
    ...order.filter((s) => sizeOf(s) > 1 && sizeOf(s) < 4),
  ];
  const halves = splittable.slice(0, amount(splitShare * names.length, mostNames)).map((s) => {
    const second = datasetOf.push(names[s].dataset) - 1;
    const half = halfOf(shuffled(rowsOf(s)), sessionOf);
    for (const i of half) label[i] = second;
    isUsed[s] = 1;
    return { first: s, second, origin: s };
  });

  const unions: Planted["unions"] = [];
  const waiting = new Map<string, number>();
  // Where some of the names are faulty themselves, one a copy would leave too few examples.
  const least = names.length < 12 ? 1 : 2;
  const most = Math.min(mostNames, Math.max(least, Math.round((unionShare / 2) * names.length)));
  for (const s of order) {
    if (isUsed[s] || sizeOf(s) < 2 || unions.length === most) continue;
    const other = waiting.get(names[s].dataset);
    if (other === undefined) waiting.set(names[s].dataset, s);
    else {
      waiting.delete(names[s].dataset);
      for (const i of rowsOf(s)) label[i] = other;
      isUsed[s] = isUsed[other] = 1;
      unions.push({ name: other, origins: [other, s] });
    }
  }

  const free = shuffled([...Array(n).keys()].filter((i) => !isUsed[nameOf[i]] && sizeOf(nameOf[i]) > 1));
  const targets = new Map<string, number[]>();
  for (const s of names.keys())
    if (label.subarray(names[s].from, names[s].to).some((name) => name === s)) {
      const own = targets.get(names[s].dataset);
      if (own === undefined) targets.set(names[s].dataset, [s]);
      else own.push(s);
    }
  const similarTo = mostSimilar(corpus);
  const isMoved = new Uint8Array(n);
  for (const i of free.slice(0, amount(movedShare * n, mostRows))) {
    const own = nameOf[i];
    const others = (targets.get(names[own].dataset) ?? []).filter((s) => s !== own);
    if (others.length === 0) continue;
    label[i] = next() < similarShare ? similarTo(own, others) : others[Math.floor(next() * others.length)];
    isMoved[i] = 1;
  }
  return regrouped(corpus, { label, datasetOf, isMoved, halves, unions });
}

const amount = (share: number, most: number) => Math.min(most, Math.max(1, Math.round(share)));

/** Half of the rows; sessions stay whole where there are two. */
function halfOf(rows: readonly number[], sessionOf: Int32Array): number[] {
  const sessions = groupBy(rows, (i) => sessionOf[i]);
  const units = sessions.size > 1 ? [...sessions.values()] : rows.map((i) => [i]);
  return units.slice(0, units.length >> 1).flat();
}

function mostSimilar({ names, data, dimension: d }: AuditCorpus) {
  const means = new Float32Array(names.length * d);
  names.forEach(({ from, to }, s) => {
    let square = 0;
    for (let k = 0; k < d; k++) {
      let sum = 0;
      for (let i = from; i < to; i++) sum += data[i * d + k];
      means[s * d + k] = sum;
      square += sum * sum;
    }
    for (let k = 0; k < d; k++) means[s * d + k] /= Math.sqrt(square) || 1;
  });
  return (own: number, others: readonly number[]): number => {
    let [best, most] = [others[0], -Infinity];
    for (const s of others) {
      const near = dot(means, own * d, means, s * d, d);
      if (near > most) [best, most] = [s, near];
    }
    return best;
  };
}

/** The corpus with its rows sorted by their new names. */
function regrouped(
  corpus: AuditCorpus,
  {
    label,
    datasetOf,
    isMoved,
    halves,
    unions,
  }: {
    label: Int32Array;
    datasetOf: string[];
    isMoved: Uint8Array;
    halves: Planted["halves"];
    unions: Planted["unions"];
  },
): Planted {
  const { n, dimension: d, utterances, nameOf } = corpus;
  const originOf = Int32Array.from([...Array(n).keys()].sort((a, b) => label[a] - label[b] || a - b));
  const data = new Float32Array(n * d);
  const sessionOf = new Int32Array(n);
  const sessions = new Map<string, number>();
  originOf.forEach((origin, i) => {
    data.set(corpus.data.subarray(origin * d, (origin + 1) * d), i * d);
    const session = `${label[origin]} ${corpus.sessionOf[origin]}`;
    if (!sessions.has(session)) sessions.set(session, i);
    sessionOf[i] = sessions.get(session)!;
  });
  const changed = new Set<number>([
    ...halves.flatMap(({ first, second }) => [first, second]),
    ...unions.map(({ name }) => name),
  ]);
  for (let i = 0; i < n; i++)
    if (isMoved[i]) {
      changed.add(label[i]);
      changed.add(nameOf[i]);
    }
  const names: AuditCorpus["names"] = [];
  const placeOf = new Map<number, number>();
  const newNameOf = new Int32Array(n);
  const touched: number[] = [];
  originOf.forEach((origin, i) => {
    const s = label[origin];
    if (!placeOf.has(s)) {
      placeOf.set(s, names.length);
      names.push({ key: String(s), dataset: datasetOf[s], from: i, to: i });
    }
    newNameOf[i] = names.length - 1;
    names[names.length - 1].to = i + 1;
    if (changed.has(s)) touched.push(i);
  });
  const place = (s: number) => placeOf.get(s)!;
  return {
    corpus: {
      utterances: Array.from(originOf, (origin) => utterances[origin]),
      n,
      dimension: d,
      data,
      names,
      nameOf: newNameOf,
      sessionOf,
    },
    originOf,
    moved: Int32Array.from([...originOf.keys()].filter((i) => isMoved[originOf[i]])),
    halves: halves.map(({ first, second, origin }) => ({
      first: place(first),
      second: place(second),
      origin,
    })),
    unions: unions.map(({ name, origins }) => ({ name: place(name), origins })),
    touched: Int32Array.from(touched),
  };
}
