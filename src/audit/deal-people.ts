import { compare } from "../util/compare.js";
import { firstFrom } from "../vectors/first-from.js";
import { random } from "../vectors/random.js";

/** Somebody to be put on a side of a split, with all of their speech. */
export interface Person {
  name: string;
  /** Seconds, or utterances. */
  amount: number;
  /** Where they have to be; left out: anywhere. */
  side?: number;
}

/** The most of a side that one person should have: a test on one or two people says little about others. */
const mostOfSide = 1 / 3;

/** Shares within this of what was asked are left alone: the first while that rule is kept, the second when it is given up. */
const [wellMet, met] = [0.001, 0.01];

/** A limit on time only: most of the gain comes from the first few. */
const mostExchanges = 1000;

/**
 * Puts every person on one of several sides, so that these come to what they have room for, and nobody is left without anybody.
 *
 * People with most speech are dealt out first, each to the side that is relatively emptiest and has room: sides come to be alike
 * in how much their people say. Whoever would be more than a third of a side goes to another that has room. Where shares are missed,
 * people are then exchanged, or moved, as long as that brings them closer.
 *
 * @param rooms what each side is to come to
 * @param seed of those with about as much speech (within a factor of two), who comes first; left out: who has more
 * @returns the side of each person, in the order of `people`
 */
export function dealPeople(people: readonly Person[], rooms: readonly number[], seed?: number): number[] {
  const sides = rooms.map((room) => ({ room, amount: 0, people: 0 }));
  const sideOf = people.map(({ side }) => side ?? -1);
  const put = (i: number, side: number) => {
    sides[side]!.amount += people[i]!.amount;
    sides[side]!.people++;
    sideOf[i] = side;
  };
  for (const [i, { side }] of people.entries()) if (side !== undefined) put(i, side);
  const free = largestFirst(people, seed);
  for (const [dealt, i] of free.entries()) {
    const { amount } = people[i]!;
    const all = [...sides.keys()];
    const empty = all.filter((side) => sides[side]!.people === 0);
    const open = free.length - dealt <= empty.length ? empty : all;
    const roomy = open.filter((side) => sides[side]!.amount + amount <= sides[side]!.room);
    const fitting = roomy.filter((side) => amount <= mostOfSide * sides[side]!.room);
    const fullness = (side: number, more: number) => (sides[side]!.amount + more) / sides[side]!.room;
    put(
      i,
      roomy.length > 0
        ? least(fitting.length > 0 ? fitting : roomy, (side) => fullness(side, 0))
        : least(open, (side) => fullness(side, amount)),
    );
  }
  exchange(people, free, sides, sideOf, mostOfSide, wellMet);
  exchange(people, free, sides, sideOf, Infinity, met);
  return sideOf;
}

/** Those who may be put anywhere, whatever the order of the list. */
function largestFirst(people: readonly Person[], seed: number | undefined): number[] {
  const byName = [...people.keys()]
    .filter((i) => people[i]!.side === undefined)
    .sort((a, b) => compare(people[a]!.name, people[b]!.name));
  if (seed === undefined) return byName.sort((a, b) => people[b]!.amount - people[a]!.amount);
  const next = random(seed);
  const lots = new Map(byName.map((i) => [i, next()]));
  const size = (i: number) => Math.floor(Math.log2(people[i]!.amount || 1e-9));
  return byName.sort((a, b) => size(b) - size(a) || lots.get(a)! - lots.get(b)!);
}

interface Side {
  room: number;
  amount: number;
  people: number;
}

/** Moves people from one side to another, or exchanges two, always where the squared misses shrink most. */
function exchange(
  people: readonly Person[],
  free: readonly number[],
  sides: Side[],
  sideOf: number[],
  most: number,
  goodEnough: number,
): void {
  const total = sides.reduce((sum, { room }) => sum + room, 0);
  const ascending = free
    .slice()
    .sort((a, b) => people[a]!.amount - people[b]!.amount || compare(people[a]!.name, people[b]!.name));
  const missOf = ({ amount, room }: Side) => amount - room;
  for (let exchanges = 0; exchanges < mostExchanges; exchanges++) {
    if (sides.every((side) => Math.abs(missOf(side)) <= goodEnough * total)) return;
    const own = sides.map((_, side) => ascending.filter((i) => sideOf[i] === side));
    const amounts = own.map((list) => Float64Array.from(list, (i) => people[i]!.amount));
    let best: { gain: number; from: number; to: number; i: number; j?: number } | undefined;
    for (const from of sides.keys())
      for (const to of sides.keys()) {
        const gap = missOf(sides[from]!) - missOf(sides[to]!);
        if (gap <= 0) continue;
        const consider = (i: number, j?: number) => {
          if (people[i]!.amount > most * sides[to]!.room) return;
          if (j !== undefined && people[j]!.amount > most * sides[from]!.room) return;
          const moved = people[i]!.amount - (j === undefined ? 0 : people[j]!.amount);
          // What the sum of the squared misses loses, but for a factor of two.
          const gain = moved * (gap - moved);
          if (gain > (best?.gain ?? 1e-9 * total * total)) best = { gain, from, to, i, j };
        };
        for (const i of own[from]!) {
          if (sides[from]!.people > 1) consider(i);
          const at = firstFrom(amounts[to]!, people[i]!.amount - gap / 2);
          for (const j of own[to]!.slice(Math.max(0, at - 1), at + 1)) consider(i, j);
        }
      }
    if (best === undefined) return;
    const { from, to, i, j } = best;
    const moved = people[i]!.amount - (j === undefined ? 0 : people[j]!.amount);
    sides[from]!.amount -= moved;
    sides[to]!.amount += moved;
    sideOf[i] = to;
    if (j !== undefined) sideOf[j] = from;
    else {
      sides[from]!.people--;
      sides[to]!.people++;
    }
  }
}

/** The first of those for whom it is least. */
const least = (items: readonly number[], by: (item: number) => number): number =>
  items.reduce((a, b) => (by(b) < by(a) ? b : a));
