const bins = 4096;
const counts = new Uint32Array(bins);

/** The bin of a cosine; rounding may push one beyond 1. */
const binOf = (cosine: number) => Math.max(0, Math.min(bins - 1, ((cosine + 1) * (bins / 2)) | 0));

/**
 * Mean and population deviation of the n largest of some cosines, [from, to) of an array.
 *
 * A histogram locates the n-th largest, so that only the values of one bin have to be sorted: sorting all 10,000 takes ten
 * times as long.
 */
export function bestValues(
  values: Float32Array,
  from: number,
  to: number,
  n: number,
): { mean: number; std: number } {
  counts.fill(0);
  for (let i = from; i < to; i++) counts[binOf(values[i])]++;
  let last = bins - 1;
  let above = 0;
  while (above + counts[last] < n) above += counts[last--];
  const edge = new Float32Array(counts[last]);
  const best = new Float64Array(n);
  let [taken, atEdge] = [0, 0];
  for (let i = from; i < to; i++) {
    const value = values[i];
    const bin = binOf(value);
    if (bin > last) best[taken++] = value;
    else if (bin === last) edge[atEdge++] = value;
  }
  edge.sort();
  for (let e = edge.length - 1; taken < n; e--) best[taken++] = edge[e];
  let sum = 0;
  for (const value of best) sum += value;
  const mean = sum / n;
  let squares = 0;
  for (const value of best) squares += (value - mean) ** 2;
  return { mean, std: Math.sqrt(squares / n) };
}
