/** What is known of an utterance here: the recording it was cut from. */
interface Cut {
  session?: string;
}

/** Up to so many pairs each is drawn or passed over by a random number of its own; of more, only the drawn ones cost time. */
const manyPairs = 5e7;

/**
 * A random sample of the pairs of a speaker's utterances, in the order of the first and then of the second.
 *
 * Pairs are counted and numbered, never listed: a speaker with 20,000 utterances has 200 million.
 *
 * @param crossSession leave out pairs of one session; an utterance without a session is a session of its own
 * @param next random numbers in [0, 1)
 */
export function samplePairs<Utterance extends Cut>(
  own: readonly Utterance[],
  crossSession: boolean,
  count: number,
  next: () => number,
): [Utterance, Utterance][] {
  const mayJoin = (a: Cut, b: Cut) => !crossSession || a.session === undefined || a.session !== b.session;
  // How many pairs begin before each utterance.
  const before = new Float64Array(own.length + 1);
  const met = new Map<string, number>();
  for (let i = own.length - 1; i >= 0; i--) {
    const { session } = own[i]!;
    const same = crossSession && session !== undefined ? (met.get(session) ?? 0) : 0;
    before[i + 1] = own.length - 1 - i - same;
    if (session !== undefined) met.set(session, same + 1);
  }
  for (let i = 0; i < own.length; i++) before[i + 1] += before[i]!;
  const total = before[own.length]!;
  const pairs: [Utterance, Utterance][] = [];
  let first = 0;
  for (const number of total <= manyPairs || count > total / 2
    ? drawnInOrder(total, count, next)
    : drawnFew(total, count, next)) {
    while (before[first + 1]! <= number) first++;
    let second = first;
    for (let left = number - before[first]!; left >= 0; ) if (mayJoin(own[first]!, own[++second]!)) left--;
    pairs.push([own[first]!, own[second]!]);
  }
  return pairs;
}

/** A random sample of the numbers below `total`, ascending. */
function* drawnInOrder(total: number, count: number, next: () => number): Generator<number> {
  let wanted = Math.min(count, total);
  for (let at = 0; at < total; at++) {
    if (next() * (total - at) >= wanted) continue;
    wanted--;
    yield at;
  }
}

/** The same where they are a small part of all: numbers are drawn until enough differ. */
function drawnFew(total: number, count: number, next: () => number): number[] {
  const drawn = new Set<number>();
  // Two random numbers, because one has 32 bits.
  while (drawn.size < count) drawn.add(Math.min(total - 1, Math.floor((next() + next() / 2 ** 32) * total)));
  return [...drawn].sort((a, b) => a - b);
}
