import { dot } from "../vectors/dot.js";
import { unitVector } from "../vectors/unit-vector.js";
import type { ReviewItem } from "./item.js";
import type { Recordings } from "./recordings.js";

/** A map of the recordings of a few speakers. */
export interface SpeakersMap {
  names: string[];
  /** Place in 0 to 1000 from the lower left, on one scale; number of the name, whether it is in question, key. */
  points: [x: number, y: number, name: number, isMarked: boolean, key: string][];
}

/** Recordings of a speaker that are drawn. */
const mostOfName = 24;

/**
 * The recordings of the speakers that an item is about, in a plane. With two speakers the first axis leads from the mean of the one
 * to that of the other; else the axes are the directions in which the embeddings differ most.
 *
 * @returns undefined where fewer than three embeddings are known
 */
export function speakersMap(
  { map: { names, marked } }: ReviewItem,
  recordings: Recordings,
): SpeakersMap | undefined {
  const wanted = new Set(marked);
  const rows = names.flatMap((name, n) => {
    const own = recordings.of(name).filter(({ embedding }) => embedding !== undefined);
    const first = own.filter(({ key }, i) => i < mostOfName || wanted.has(key));
    return first.map(({ key, embedding }) => ({
      key,
      name: n,
      unit: unitVector(Float64Array.from(embedding!)),
    }));
  });
  if (rows.length < 3) return undefined;
  const vectors = rows.map(({ unit }) => unit);
  const all = meanOf(vectors);
  const centred = vectors.map((vector) => vector.map((x, k) => x - all[k]!));
  const ofName = (n: number) => meanOf(vectors.filter((_, i) => rows[i]!.name === n));
  const present = new Set(rows.map(({ name }) => name));
  const across = present.size === 2 ? direction([...present].map(ofName)) : mostSpread(centred, undefined);
  const up = mostSpread(centred, across);
  const [x, y] = placed(
    [across, up].map((axis) => centred.map((vector) => dot(vector, 0, axis, 0, axis.length))),
  );
  return {
    names: [...names],
    points: rows.map(({ key, name }, i) => [x[i]!, y[i]!, name, wanted.has(key), key]),
  };
}

/** Whether there is such a map. */
export function hasMap({ map: { names } }: ReviewItem, recordings: Recordings): boolean {
  let known = 0;
  for (const name of names)
    for (const { embedding } of recordings.of(name))
      if (embedding !== undefined && ++known === 3) return true;
  return false;
}

/** One scale for both axes, so that near is near; of equal recordings it is not blown up. */
function placed(coordinates: number[][]): number[][] {
  const ends = coordinates.map((at) => [Math.min(...at), Math.max(...at)] as const);
  const range = Math.max(leastRange, ...ends.map(([least, most]) => most - least));
  return coordinates.map((at, axis) => {
    const middle = (ends[axis]![0] + ends[axis]![1]) / 2;
    return at.map((value) => Math.round(500 + (1000 * (value - middle)) / range));
  });
}

/** Two recordings of one person are about so far apart, as unit vectors. */
const leastRange = 0.8;

function meanOf(vectors: readonly Float64Array[]): Float64Array {
  const mean = new Float64Array(vectors[0]!.length);
  for (const vector of vectors) for (let k = 0; k < mean.length; k++) mean[k] += vector[k]! / vectors.length;
  return mean;
}

function direction([from, to]: Float64Array[]): Float64Array {
  return unitVector(to!.map((x, k) => x - from![k]!));
}

/** The direction in which vectors around 0 spread most, at a right angle to another: a few steps of the power method are near enough to draw. */
function mostSpread(centred: readonly Float64Array[], other: Float64Array | undefined): Float64Array {
  const d = centred[0]!.length;
  const away = (vector: Float64Array) => {
    const part = other === undefined ? 0 : dot(vector, 0, other, 0, d);
    return other === undefined ? vector : vector.map((x, k) => x - part * other[k]!);
  };
  const longest = centred.map(away).reduce((a, b) => (dot(b, 0, b, 0, d) > dot(a, 0, a, 0, d) ? b : a));
  let axis = unitVector(longest);
  for (let step = 0; step < 12; step++) {
    const next = new Float64Array(d);
    for (const vector of centred) {
      const part = dot(vector, 0, axis, 0, d);
      for (let k = 0; k < d; k++) next[k] += part * vector[k]!;
    }
    axis = unitVector(away(next));
  }
  return axis;
}
