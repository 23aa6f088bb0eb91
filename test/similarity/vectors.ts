import type { Matrix } from "../../src/types.js";

/** The same numbers everywhere: a linear congruential generator. */
export function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return state / 0x7fffffff;
  };
}

/** Vectors with a common part, some of them near to another or the same. */
export function vectors(n: number, d: number, { seed = 1, common = 0.25 } = {}): Matrix {
  const next = random(seed);
  const data = new Float32Array(n * d);
  for (let v = 0; v < n * d; v++) data[v] = next() + next() + next() - 1.5 + common * Math.sin(v % d);
  for (let i = 5; i < n; i += 37)
    for (let k = 0; k < d; k++) data[i * d + k] = data[(i - 5) * d + k] + (i % 2 ? 0.05 * (next() - 0.5) : 0);
  return { data, rows: n, columns: d };
}

export function rowsOf({ data, columns }: Matrix, from: number, to: number): Matrix {
  return { data: data.slice(from * columns, to * columns), rows: to - from, columns };
}
