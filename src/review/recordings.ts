import type { Finding } from "../audit/finding.js";
import { nameOf } from "../decisions/names.js";
import { compare } from "../util/compare.js";
import { groupBy } from "../util/group-by.js";
import { dot } from "../vectors/dot.js";
import { meanOf } from "../vectors/mean-of.js";
import { quantile } from "../vectors/quantile.js";
import { lengthOf, unitVector } from "../vectors/unit-vector.js";
import type { ReviewUtterance } from "./item.js";

/** The recordings that items speak of, by their keys and by the names of their speakers. */
export interface Recordings {
  has(key: string): boolean;
  get(key: string): ReviewUtterance | undefined;
  /** The name that a recording is under. */
  nameOf(key: string): string | undefined;
  isName(name: string): boolean;
  of(name: string): readonly ReviewUtterance[];
  /** What to hear of a speaker: the recording nearest to the mean, or the first where there are no embeddings. */
  typical(name: string): string | undefined;
  names(): string[];
  /**
   * How far two speakers usually are from each other: the median Euclidean distance between the means of their embeddings, scaled
   * to length 1. Undefined where fewer than three speakers have embeddings.
   */
  apart(): number | undefined;
}

/**
 * Recordings that findings are about and that have no embedding, as digital silence: their evidence says where they are.
 */
export function unembedded(
  items: readonly object[],
  utterances: readonly { key: string }[],
): ReviewUtterance[] {
  const known = new Set(utterances.map(({ key }) => key));
  return items.flatMap((item) => {
    if (!("remedy" in item)) return [];
    const { keys, evidence } = item as Finding;
    const [key] = keys;
    const { path } = evidence;
    if (key === undefined || known.has(key) || typeof path !== "string") return [];
    known.add(key);
    return { key, dataset: "", speakerId: null, path };
  });
}

/** Speakers among whom that is measured: more would not move it. */
const mostSpeakers = 40;

/**
 * @param sources utterances of a corpus, by whose spans, archives and cells the audio is found where a path is not enough
 */
export function recordingsOf(
  given: readonly ReviewUtterance[],
  sources: readonly ReviewUtterance[] = [],
): Recordings {
  const sourceOf = new Map(sources.map((source) => [source.key, source]));
  // In one order, or the page would be another with every order of the rows.
  const utterances = given
    .toSorted((a, b) => compare(a.key, b.key))
    .map((row) => {
      const { key: _key, dataset: _dataset, speakerId: _speaker, ...audio } = sourceOf.get(row.key) ?? row;
      return { ...row, ...audio };
    });
  const byKey = new Map(utterances.map((utterance) => [utterance.key, utterance]));
  const named = utterances.filter(({ speakerId }) => speakerId !== null);
  const byName = groupBy(named, (utterance) => nameOf(utterance)!);
  let apart: number | undefined;
  return {
    has: (key) => byKey.has(key),
    get: (key) => byKey.get(key),
    nameOf(key) {
      const utterance = byKey.get(key);
      return (utterance && nameOf(utterance)) ?? undefined;
    },
    isName: (name) => byName.has(name),
    of: (name) => byName.get(name) ?? [],
    typical: (name) => nearestToMean(byName.get(name) ?? [])?.key,
    names: () => [...byName.keys()].sort(),
    apart: () => (apart ??= usuallyApart([...byName.values()])),
  };
}

function usuallyApart(speakers: readonly ReviewUtterance[][]): number | undefined {
  const step = Math.max(1, Math.floor(speakers.length / mostSpeakers));
  const means = speakers
    .filter((_, n) => n % step === 0)
    .slice(0, mostSpeakers)
    .map((own) => own.flatMap(({ embedding }) => (embedding === undefined ? [] : [embedding])))
    .filter((known) => known.length > 0)
    .map((known) => meanOf(known.map((embedding) => unitVector(Float64Array.from(embedding)))));
  if (means.length < 3) return undefined;
  const distances = means.flatMap((a, n) =>
    means.slice(0, n).map((b) => Math.sqrt(a.reduce((sum, x, k) => sum + (x - b[k]!) ** 2, 0))),
  );
  return quantile(Float64Array.from(distances).sort(), 0.5);
}

function nearestToMean(own: readonly ReviewUtterance[]): ReviewUtterance | undefined {
  const known = own.filter(({ embedding }) => embedding !== undefined);
  if (known.length < 3) return own[0];
  const d = known[0]!.embedding!.length;
  const mean = new Float64Array(d);
  for (const { embedding } of known) {
    const scale = 1 / lengthOf(embedding!);
    for (let k = 0; k < d; k++) mean[k] += embedding![k]! * scale;
  }
  const nearness = ({ embedding }: ReviewUtterance) => dot(embedding!, 0, mean, 0, d) / lengthOf(embedding!);
  return known.reduce((best, one) => (nearness(one) > nearness(best) ? one : best));
}
