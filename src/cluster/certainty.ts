import { sigmoid } from "../util/sigmoid.js";
import { countOf, type Likeness, type Nearest } from "./link.js";

/**
 * How sure each row is of its group: its mean likeness to the rest of the group, in log odds, against that to the nearest
 * other group or, where none is as near, against `least`, from which on two groups are one. Who is alone is surer the
 * further away everybody is.
 *
 * @returns Float64Array (n) of probabilities
 */
export function certainty(
  { n, width, left, right }: Likeness,
  groups: Int32Array,
  { index, k }: Nearest,
  least: number,
): Float64Array {
  const count = countOf(groups);
  const sizes = new Int32Array(count);
  const leftSums = new Float64Array(count * width);
  const rightSums = new Float64Array(count * width);
  for (let i = 0; i < n; i++) {
    const group = groups[i];
    sizes[group]++;
    for (let r = 0; r < width; r++) {
      leftSums[group * width + r] += left[i * width + r];
      rightSums[group * width + r] += right[i * width + r];
    }
  }
  const likeness = (i: number, group: number) => {
    const isOwn = groups[i] === group;
    let sum = 0;
    for (let at = i * width, other = group * width, end = at + width; at < end; at++, other++) {
      const [ofLeft, ofRight] = isOwn ? [left[at], right[at]] : [0, 0];
      sum += left[at] * (rightSums[other] - ofRight) + right[at] * (leftSums[other] - ofLeft);
    }
    return sum / 2 / (sizes[group] - Number(isOwn));
  };
  return Float64Array.from({ length: n }, (_, i) => {
    const others = new Set(index.subarray(i * k, (i + 1) * k).map((j) => groups[j]));
    others.delete(groups[i]);
    let other = -Infinity;
    for (const group of others) other = Math.max(other, likeness(i, group));
    const odds = sizes[groups[i]] > 1 ? likeness(i, groups[i]) - Math.max(other, least) : least - other;
    // The pairs of a group share the row, so that their mean says half of what it seems to.
    return sigmoid(odds / 2);
  });
}
