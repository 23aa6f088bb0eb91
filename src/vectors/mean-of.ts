/** The mean of vectors of one length, of which there is at least one. */
export function meanOf(vectors: readonly Float64Array[]): Float64Array {
  const mean = new Float64Array(vectors[0]!.length);
  for (const vector of vectors) for (let k = 0; k < mean.length; k++) mean[k] += vector[k]! / vectors.length;
  return mean;
}
