import { groupsNear, type Nearest } from "./link.js";
import { sizesOf, type Voices } from "./voices.js";

/** What the likeness of one utterance and a group is worth in log odds. */
const trust = 0.5;
const mostRounds = 100;

/**
 * Puts utterances that were left alone into the group that they are most like, where that is likelier than that they are people of
 * one utterance. How many such people there are is found out: the more utterances have nobody like them, the likelier is it of each
 * (expectation maximization). Groups of two and more stay as they are.
 *
 * @returns Int32Array (n), groups numbered from 0 in the order of their first rows
 */
export function joinLeftAlone(voices: Voices, groups: Int32Array, nearest: Nearest): Int32Array {
  const { n } = voices;
  const sizes = sizesOf(groups);
  const likeness = voices.toGroups(groups);
  const alone: { row: number; odds: number; best: number }[] = [];
  for (let row = 0; row < n; row++) {
    if (sizes[groups[row]] > 1) continue;
    let [odds, best, most] = [0, -1, 0];
    for (const group of groupsNear(nearest, groups, row)) {
      if (sizes[group] === 1) continue;
      const part = (sizes[group] / n) * Math.exp(trust * likeness(row, group));
      odds += part;
      if (part > most) [best, most] = [group, part];
    }
    alone.push({ row, odds, best });
  }
  let share = alone.length / n;
  const isAlone = (odds: number) => share / (share + (1 - share) * odds);
  for (let round = 0; round < mostRounds; round++)
    share = alone.reduce((sum, { odds }) => sum + isAlone(odds), 0) / n;
  const joined = Int32Array.from(groups);
  for (const { row, odds, best } of alone) if (best >= 0 && isAlone(odds) < 0.5) joined[row] = best;
  const renumbered = new Map<number, number>();
  return joined.map((group) => {
    if (!renumbered.has(group)) renumbered.set(group, renumbered.size);
    return renumbered.get(group)!;
  });
}
