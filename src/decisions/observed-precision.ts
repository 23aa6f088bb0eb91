import { auditor, type Decision } from "./decision.js";
import { mergeDecisions } from "./merge-decisions.js";

/** How many findings of a range of probabilities people agreed with. */
export interface PrecisionBand {
  /** From this probability on. */
  from: number;
  /** To before this one; the last band ends with 1. */
  to: number;
  agreed: number;
  disagreed: number;
  /** Agreed of agreed and disagreed; null where there are none. */
  precision: number | null;
}

const edges = [0.05, 0.5, 0.8, 0.9, 1];

/**
 * How often findings held, by what they said: of those of a probability of 0.9 nine in ten should. Only decisions of people on
 * findings count, and nothing that they are unsure of or disagree about.
 *
 * @example
 * const bands = observedPrecision([
 *   { kind: "wrongLabel", keys: ["a_1"], action: "drop", by: "anna", at: "2026-01-31T09:30:00Z", probability: 0.93 },
 * ]);
 */
export function observedPrecision(decisions: readonly Decision[]): PrecisionBand[] {
  const people = decisions.filter(({ by }) => by !== auditor);
  const bands = edges.slice(0, -1).map((from, b) => ({ from, to: edges[b + 1]!, agreed: 0, disagreed: 0 }));
  for (const { action, probability } of mergeDecisions(people).decisions) {
    if (probability === undefined || action === "unsure") continue;
    const band = bands.findLast(({ from }) => probability >= from);
    if (band === undefined) continue;
    if (action === "keep") band.disagreed++;
    else band.agreed++;
  }
  return bands.map((band) => ({
    ...band,
    precision: band.agreed + band.disagreed === 0 ? null : band.agreed / (band.agreed + band.disagreed),
  }));
}
