import { invalid } from "../errors.js";
import { quantity } from "../shared/text.js";
import type { Matrix } from "../types.js";
import type { Rows } from "../vectors/unit-rows.js";

const listOf = (rows: Rows): { embedding: Float32Array; key?: string }[] => {
  if (Array.isArray(rows)) return rows;
  const { data, rows: n, columns } = rows as Matrix;
  return Array.from({ length: n }, (_, i) => ({ embedding: data.subarray(i * columns, (i + 1) * columns) }));
};

/** The mean of the raw embeddings, summed in float64. */
export function meanOf(rows: Rows): Float64Array {
  const list = listOf(rows);
  const sum = new Float64Array(list[0]?.embedding.length ?? 0);
  for (const { embedding } of list) for (let k = 0; k < sum.length; k++) sum[k] += embedding[k];
  return sum.map((value) => value / list.length);
}

/** Copies of the rows with a mean subtracted. */
export function withoutMean(
  rows: Rows,
  mean: ArrayLike<number>,
): { embedding: Float32Array; key?: string }[] {
  return listOf(rows).map((row) => {
    if (row.embedding.length !== mean.length)
      throw invalid(
        `The mean has ${quantity(mean.length, "value")}, the embeddings have ${row.embedding.length}. Take the mean of embeddings of the same model.`,
        { got: mean.length },
      );
    return { ...row, embedding: row.embedding.map((value, k) => value - mean[k]) };
  });
}
