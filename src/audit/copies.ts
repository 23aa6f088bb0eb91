import type { MeasuredChecks } from "../checks/audio-checks.js";
import { matchSketches, type Pattern, patternOf, strengthOf } from "../checks/match-sketches.js";
import { sketchStep } from "../checks/sketch.js";
import { breather } from "../similarity/breather.js";
import { nearestRows } from "../similarity/nearest-rows.js";
import { groupBy } from "../util/group-by.js";

/** An utterance with its embedding and what was measured of its audio. */
export interface HeardUtterance {
  checks: MeasuredChecks;
  embedding: Float32Array;
}

/** Two utterances by their rows, the lower first. */
export interface Copy {
  first: number;
  second: number;
  /** Natural log odds that they are copies. */
  logOdds: number;
  /** In -1 to 1, of the sketches where they agree best; 1 for equal files. */
  correlation: number;
  /** Seconds by which the second begins later. */
  lag: number;
  /** Seconds of both that were compared. */
  overlap: number;
}

/** How many of the nearest embeddings are compared by their audio. */
const neighbours = 20;
/** Below this cosine a copy is not looked for. */
const leastCosine = 0.4;
/** Of more equal files not every pair is listed, but each with the first. */
const mostInPairs = 5;
/** Of a collision of 128 bits nobody need think. */
const certain = 40;

/** Groups of rows whose audio is equal, sample by sample; each row is in one. */
export function equalGroups(rows: readonly { checks: MeasuredChecks }[]): number[][] {
  return [...groupBy(rows.keys(), (row) => rows[row].checks.hash).values()];
}

/** The pairs of equal files. */
export function equalFiles(rows: readonly HeardUtterance[]): Copy[] {
  return equalGroups(rows).flatMap((group) =>
    pairsWithin(group).map(([first, second]) => {
      const { seconds } = rows[first].checks;
      return { first, second, logOdds: certain, correlation: 1, lag: 0, overlap: seconds };
    }),
  );
}

/**
 * Pairs of utterances with the same speech that are not equal: recoded, trimmed, louder or quieter, with noise.
 *
 * The audio of every utterance is compared with that of those nearest by embedding, by their sketches (`matchSketches`).
 */
export async function nearCopies(
  rows: readonly HeardUtterance[],
  { abortSignal }: { abortSignal?: AbortSignal } = {},
): Promise<Copy[]> {
  // Equal ones would push other copies out of the neighbourhood.
  const groups = equalGroups(rows);
  const firsts = groups.map(([row]) => row);
  if (firsts.length < 2) return [];
  const { k, index, score } = await nearestRows(
    firsts.map((row) => rows[row]),
    { topK: neighbours, backend: "onnx", abortSignal },
  );
  const breath = breather(abortSignal, "The audit");
  const patterns: (Pattern | undefined)[] = [];
  const patternOfGroup = (g: number) => (patterns[g] ??= patternOf(rows[firsts[g]].checks.sketch));
  const copies: Copy[] = [];
  for (let g = 0; g < firsts.length; g++) {
    await breath();
    for (let r = g * k; r < (g + 1) * k; r++) {
      const h = index[r];
      if (score[r] < leastCosine || (h < g && isAmong(index, h * k, k, g))) continue;
      const [a, b] = g < h ? [g, h] : [h, g];
      const match = matchSketches(patternOfGroup(a), patternOfGroup(b));
      if (match === undefined) continue;
      const logOdds = logOddsOf(match.correlation, match.overlap);
      if (logOdds < leastLogOdds) continue;
      const members = [a, b].map((group) => groups[group].slice(0, mostInPairs));
      for (const i of members[0])
        for (const j of members[1])
          copies.push(
            i < j
              ? { ...match, first: i, second: j, logOdds }
              : { ...match, first: j, second: i, lag: -match.lag, logOdds },
          );
    }
  }
  return copies.sort((a, b) => a.first - b.first || a.second - b.second);
}

/** ln(0.05 / 0.95): less probable ones are not listed. */
const leastLogOdds = -3;

/**
 * Both have to hold: an agreement that does not come by chance over so short a time, and one so close that it is the same
 * recording, not the same words again. Fitted to generated copies (docs/audit.md).
 */
const logOddsOf = (correlation: number, overlap: number): number =>
  Math.min(4 * (strengthOf(correlation, overlap / sketchStep) - 2.2), 40 * (correlation - 0.45));

function isAmong(index: Int32Array, from: number, count: number, value: number): boolean {
  for (let i = from; i < from + count; i++) if (index[i] === value) return true;
  return false;
}

function pairsWithin(group: readonly number[]): [number, number][] {
  if (group.length > mostInPairs) return group.slice(1).map((row) => [group[0], row]);
  return group.flatMap((first, i) => group.slice(i + 1).map((second): [number, number] => [first, second]));
}
