import { quantity } from "../shared/text.js";
import type { Finding } from "./finding.js";

/** A finding and what to do about it, in a line: `d_a_1 sounds like d_b, not d_a: relabel it`. */
export function findingText({ kind, keys, evidence, remedy }: Finding): string {
  const names = keys.join(" and ");
  switch (remedy.action) {
    case "relabel":
      return `${names} sounds like ${remedy.to}, not ${String(evidence.speaker)}: relabel it`;
    case "drop":
      return kind === "wrongLabel"
        ? `${names} sounds neither like ${String(evidence.speaker)} nor like anybody else: leave it out`
        : `${names}: leave it out`;
    case "mergeNames":
      return `${names}: give them one name`;
    case "keepOnOneSide":
      return `${names}: keep both on one side of a split`;
    case "splitName": {
      const [first, second] = remedy.parts.map(({ length }) => length);
      return `${names}: split it (${first} and ${quantity(Number(second), "utterance")})`;
    }
    case "keepOne":
      return `${names}: keep ${remedy.to}`;
    case "keep":
      return `${names}: yours to decide`;
  }
}
