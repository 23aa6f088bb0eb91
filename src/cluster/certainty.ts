import { sigmoid } from "../util/sigmoid.js";
import { groupsNear, type Nearest } from "./link.js";
import { sizesOf, type Voices } from "./voices.js";

/**
 * How sure each row is of its group: its likeness to the rest of the group against that to the nearest other group or, where none is as near, against `least`, from which on two groups are one. Who is alone is surer the
 * further away everybody is.
 *
 * @param scale what a difference in likeness is worth in log odds
 * @returns Float64Array (n) of probabilities
 */
export function certainty(
  voices: Voices,
  groups: Int32Array,
  nearest: Nearest,
  least: number,
  scale: number,
): Float64Array {
  const sizes = sizesOf(groups);
  const likeness = voices.toGroups(groups);
  return Float64Array.from({ length: voices.n }, (_, i) => {
    const others = groupsNear(nearest, groups, i);
    others.delete(groups[i]);
    let other = -Infinity;
    for (const group of others) other = Math.max(other, likeness(i, group));
    const odds = sizes[groups[i]] > 1 ? likeness(i, groups[i]) - Math.max(other, least) : least - other;
    return sigmoid(scale * odds);
  });
}
