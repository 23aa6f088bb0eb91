/** The likeliest other people of some rows. */
export interface Candidates {
  /** How many each row has. */
  k: number;
  /** Int32Array (rows, k): the person; -1 where there is none. */
  people: Int32Array;
  /** Float32Array (rows, k): the log likelihood ratio for that person. */
  scores: Float32Array;
}

/** So many people may sound like somebody without being her. */
export const fewLikePerson = 3;

/**
 * How far strangers score above zero with every person.
 *
 * Some voices attract strangers: noisy utterances resemble a person all of whose utterances are noisy (Doddington et al., "Sheep,
 * goats, lambs and wolves", 1998). A likelihood ratio above zero should be rare there, so what the next best of strangers gets is
 * taken off. The best ones do not count: they may be wrong labels of that person. Of all rows of one name the best counts.
 *
 * @param personOf the person that a row of `candidates` has by its label
 * @param wrongOf how many wrong labels hide a person: the more of the utterances are hers, the more of the wrong labels hide her
 * @returns Float64Array (people), 0 or more
 */
export function hubs(
  { k, people, scores }: Candidates,
  personOf: (row: number) => number,
  { count, wrongOf }: { count: number; wrongOf: (person: number) => number },
): Float64Array {
  const placeOf = (person: number) => fewLikePerson + Math.round(2 * wrongOf(person));
  const bestOf = Array.from({ length: count }, () => new Map<number, number>());
  people.forEach((person, at) => {
    if (!(scores[at] > 0) || person < 0) return;
    const own = personOf(Math.floor(at / k));
    const best = bestOf[person];
    if (!(best.get(own)! >= scores[at])) best.set(own, scores[at]);
  });
  return Float64Array.from(
    bestOf,
    (best, person) => [...best.values()].sort((a, b) => b - a)[placeOf(person)] ?? 0,
  );
}
