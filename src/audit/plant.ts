import { groupBy } from "../util/group-by.js";
import { dot } from "../vectors/dot.js";
import { random } from "../vectors/random.js";
import type { AuditCorpus } from "./audit-corpus.js";

/** A corpus with more wrong labels than it had, and where these are. */
export interface Planted {
  corpus: AuditCorpus;
  /** Int32Array (n): row to row of the corpus as it was. */
  originOf: Int32Array;
  /** Int32Array (names): name to the name of the corpus as it was. */
  originOfName: Int32Array;
  /** Rows that were moved to another name. */
  moved: Int32Array;
  /** Int32Array, ascending: the rows of all names that changed. */
  touched: Int32Array;
}

/** The share of the rows that are moved. */
const movedShare = 0.06;
/** So many of the moved rows go to the most similar name, as such confusions do happen. */
const similarShare = 0.3;
/** No more are needed in a large corpus. */
const mostRows = 3_000;
/** So many show what wrong labels look like. */
const enoughRows = 200;

/** How many planted corpora are needed to see what wrong labels look like. */
export const plantings = (rows: number): number =>
  Math.min(8, Math.max(1, Math.ceil(enoughRows / (movedShare * rows))));

/**
 * Plants wrong labels: moves rows to other names of their data set. How these score says how wrong labels of this corpus score.
 */
export function plant(corpus: AuditCorpus, seed: number): Planted {
  const { n, names, nameOf } = corpus;
  const next = random(seed);
  const shuffled = <Item>(items: Item[]): Item[] => {
    for (let at = items.length - 1; at > 0; at--) {
      const other = Math.floor(next() * (at + 1));
      [items[at], items[other]] = [items[other], items[at]];
    }
    return items;
  };
  const sizeOf = (s: number) => names[s].to - names[s].from;
  const label = Int32Array.from(nameOf);
  const free = shuffled([...Array(n).keys()].filter((i) => sizeOf(nameOf[i]) > 1));
  const targets = groupBy(names.keys(), (s) => names[s].dataset);
  const similarTo = mostSimilar(corpus);
  const isMoved = new Uint8Array(n);
  for (const i of free.slice(0, amount(movedShare * n, mostRows))) {
    const own = nameOf[i];
    const others = targets.get(names[own].dataset)!.filter((s) => s !== own);
    if (others.length === 0) continue;
    label[i] = next() < similarShare ? similarTo(own, others) : others[Math.floor(next() * others.length)];
    isMoved[i] = 1;
  }
  return regrouped(corpus, { label, isMoved });
}

const amount = (share: number, most: number) => Math.min(most, Math.max(1, Math.round(share)));

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
    isMoved,
  }: {
    label: Int32Array;
    isMoved: Uint8Array;
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
  const changed = new Set<number>();
  for (let i = 0; i < n; i++)
    if (isMoved[i]) {
      changed.add(label[i]);
      changed.add(nameOf[i]);
    }
  const names: AuditCorpus["names"] = [];
  const originOfName: number[] = [];
  const placeOf = new Map<number, number>();
  const newNameOf = new Int32Array(n);
  const touched: number[] = [];
  originOf.forEach((origin, i) => {
    const s = label[origin];
    if (!placeOf.has(s)) {
      placeOf.set(s, names.length);
      originOfName.push(s);
      names.push({ key: String(s), dataset: corpus.names[s].dataset, from: i, to: i });
    }
    newNameOf[i] = names.length - 1;
    names[names.length - 1].to = i + 1;
    if (changed.has(s)) touched.push(i);
  });
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
    originOfName: Int32Array.from(originOfName),
    moved: Int32Array.from([...originOf.keys()].filter((i) => isMoved[originOf[i]])),
    touched: Int32Array.from(touched),
  };
}
