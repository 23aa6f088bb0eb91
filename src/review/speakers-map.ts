import { groupBy } from "../util/group-by.js";
import { dot } from "../vectors/dot.js";
import { meanOf } from "../vectors/mean-of.js";
import { unitVector } from "../vectors/unit-vector.js";
import type { ReviewItem, ReviewUtterance } from "./item.js";
import type { Recordings } from "./recordings.js";

/** A map of the recordings of a few speakers. */
export interface SpeakersMap {
  /** What its points are told apart by: names, or the voices that one name may hold. */
  groups: string[];
  /** Place from the lower left, 0 to 1000 and 0 to 600, on one scale; number of the group, whether it is in question, key. */
  points: [x: number, y: number, group: number, isMarked: boolean, key: string][];
  /** How far two speakers of the corpus usually are from each other, on the same scale; left out where that is not known. */
  apart?: number;
}

/** Of the map: it is wider than high. */
const size = [1000, 600] as const;

/** Recordings of a group that are drawn. */
const mostOfGroup = 24;

/**
 * The recordings of the speakers that an item is about, in a plane. With two speakers, or two voices under one name, the first axis
 * leads from the mean of the one to that of the other; else the axes are the directions in which the embeddings differ most.
 *
 * @returns undefined where fewer than three embeddings are known
 */
export function speakersMap(item: ReviewItem, recordings: Recordings): SpeakersMap | undefined {
  const { map, voices } = item;
  const marked = new Set(map.marked);
  // What is heard is drawn too, however many there are.
  const wanted = new Set([...map.marked, ...voices.map(({ key }) => key)]);
  const groups = groupsOf(item, recordings);
  const rows = groups.flatMap(({ members }, group) => {
    const own = members.filter(({ embedding }) => embedding !== undefined);
    const first = own.filter(({ key }, i) => i < mostOfGroup || wanted.has(key));
    return first.map(({ key, embedding }) => ({
      key,
      group,
      unit: unitVector(Float64Array.from(embedding!)),
    }));
  });
  if (rows.length < 3) return undefined;
  const vectors = rows.map(({ unit }) => unit);
  const all = meanOf(vectors);
  const centred = vectors.map((vector) => vector.map((x, k) => x - all[k]!));
  const meanOfGroup = (group: number) => meanOf(vectors.filter((_, i) => rows[i]!.group === group));
  const present = [...new Set(rows.map(({ group }) => group))];
  const isOfTwo = present.length === 2 || (map.parts !== undefined && present.length > 2);
  const across = isOfTwo ? direction(present.slice(0, 2).map(meanOfGroup)) : mostSpread(centred, undefined);
  const up = mostSpread(centred, across);
  const apart = recordings.apart();
  const { places, scale } = placed(
    [across, up].map((axis) => centred.map((vector) => dot(vector, 0, axis, 0, axis.length))),
    apart,
  );
  const [x, y] = places;
  return {
    groups: groups.map(({ label }) => label),
    points: rows.map(({ key, group }, i) => [x![i]!, y![i]!, group, marked.has(key), key]),
    ...(apart === undefined ? {} : { apart: Math.round(apart * scale) }),
  };
}

/** Names, or of one name the voices that it may hold. */
function groupsOf(
  { map: { names, parts } }: ReviewItem,
  recordings: Recordings,
): { label: string; members: readonly ReviewUtterance[] }[] {
  const [name] = names;
  if (parts === undefined || name === undefined)
    return names.map((name) => ({ label: name, members: recordings.of(name) }));
  const partOf = new Map(parts.flatMap((keys, part) => keys.map((key) => [key, part] as const)));
  const own = groupBy(recordings.of(name), ({ key }) => partOf.get(key));
  const voices = parts.map((_, part) => ({
    label: `voice ${part + 1} of ${name}`,
    members: own.get(part) ?? [],
  }));
  const rest = own.get(undefined) ?? [];
  return rest.length > 0 ? [...voices, { label: `others of ${name}`, members: rest }] : voices;
}

/** Whether there is such a map. */
export function hasMap({ map: { names } }: ReviewItem, recordings: Recordings): boolean {
  let known = 0;
  for (const name of names)
    for (const { embedding } of recordings.of(name))
      if (embedding !== undefined && ++known === 3) return true;
  return false;
}

/**
 * One scale for both axes, so that near is near. It has room for two people, or what is one person's would fill the map and look like
 * two.
 *
 * @param apart how far two people are from each other, where that is known
 */
function placed(coordinates: number[][], apart = leastRange): { places: number[][]; scale: number } {
  const ends = coordinates.map((at) => [Math.min(...at), Math.max(...at)] as const);
  const needed = ends.map(([least, most], axis) => (most - least) / size[axis]!);
  const scale = 1 / Math.max(apart / size[0], leastRange / size[0], ...needed);
  const places = coordinates.map((at, axis) => {
    const middle = (ends[axis]![0] + ends[axis]![1]) / 2;
    return at.map((value) => Math.round(size[axis]! / 2 + scale * (value - middle)));
  });
  return { places, scale };
}

/** Two recordings of one person are about so far apart, as unit vectors. */
const leastRange = 0.8;

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
