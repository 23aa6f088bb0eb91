import { nearestRows } from "../similarity/nearest-rows.js";

/** How many are looked at for each: the score ranks a little otherwise than the cosine that finds them. */
const most = 20;

/**
 * The nearest of `others` for every row, on the axes of a model, each weighed by how much of its variance is between
 * speakers.
 *
 * @param others omitted: the other rows
 * @returns Int32Array (rows, k) of rows of the others
 */
export async function nearest(
  between: Float64Array,
  rows: Float64Array,
  { others, abortSignal }: { others?: Float64Array; abortSignal?: AbortSignal } = {},
): Promise<{ k: number; index: Int32Array }> {
  const rank = between.length;
  const weighed = (values: Float64Array) => {
    // One more column, so that no vector is zero.
    const columns = rank + 1;
    const data = new Float32Array((values.length / rank) * columns);
    for (let i = 0; i < values.length / rank; i++) {
      for (let r = 0; r < rank; r++)
        data[i * columns + r] = values[i * rank + r] * Math.sqrt(between[r] / (between[r] + 1));
      data[i * columns + rank] = 1e-6;
    }
    return { data, rows: values.length / rank, columns };
  };
  return nearestRows(weighed(rows), {
    against: others === undefined ? undefined : weighed(others),
    topK: most,
    backend: "onnx",
    abortSignal,
  });
}
