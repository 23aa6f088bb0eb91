/** The least cosine that a clip's embedding may have with the CPU's. */
const leastCosine = 0.9999;

/** Compares embeddings, by clip, with the CPU's: names the worst clip, and says under `failed` what is not good enough. */
export function compared(embeddings, reference) {
  const cosines = [...reference]
    .filter(([key]) => embeddings.has(key))
    .map(([clip, embedding]) => ({ clip, cosine: cosine(embedding, embeddings.get(clip)) }))
    .sort((a, b) => order(a) - order(b));
  const worst = cosines[0];
  const equal = [...reference].filter(([key, embedding]) =>
    sameNumbers(embedding, embeddings.get(key)),
  ).length;
  const result = { comparedWithCpu: cosines.length, worst, equalToTheLastBit: equal };
  if (cosines.length < reference.size)
    return { ...result, failed: `${reference.size - cosines.length} of the CPU's clips are missing.` };
  const below = cosines.filter(({ cosine }) => !(cosine >= leastCosine));
  if (below.length > 0)
    return {
      ...result,
      failed: `${below.length} clips have a cosine below ${leastCosine} with the CPU's, the worst ${worst.clip} (${worst.cosine}).`,
      below,
    };
  return result;
}

/** NaN sorts first: nothing is worse. */
const order = ({ cosine }) => (Number.isNaN(cosine) ? -2 : cosine);

const sameNumbers = (a, b) => b !== undefined && a.every((value, i) => value === b[i]);

function cosine(a, b) {
  const dot = (x, y) => x.reduce((sum, value, i) => sum + value * y[i], 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}
