import { dot } from "../vectors/dot.js";
import type { UnitRows } from "../vectors/unit-rows.js";
import { sizesOf, type Voices } from "./voices.js";

/**
 * Groups are as alike as their rows are in the mean cosine over all pairs. It follows from the sums of the rows, so that no
 * pair has to be looked at.
 */
export function cosineVoices({ data, n, dimension: d }: Pick<UnitRows, "data" | "n" | "dimension">): Voices {
  return {
    n,
    joining() {
      const sums = Float64Array.from(data);
      const sizes = new Int32Array(n).fill(1);
      return {
        likeness: (a, b) => dot(sums, a, sums, b, d) / (sizes[a] * sizes[b]),
        join(a, b) {
          for (let k = 0; k < d; k++) sums[a * d + k] += sums[b * d + k];
          sizes[a] += sizes[b];
        },
      };
    },
    toGroups(groups) {
      const sizes = sizesOf(groups);
      const sums = new Float64Array(sizes.length * d);
      for (let i = 0; i < n; i++) for (let k = 0; k < d; k++) sums[groups[i] * d + k] += data[i * d + k];
      return (i, group) => {
        const isOwn = groups[i] === group;
        const self = isOwn ? dot(data, i, data, i, d) : 0;
        return (dot(sums, group, data, i, d) - self) / (sizes[group] - Number(isOwn));
      };
    },
  };
}
