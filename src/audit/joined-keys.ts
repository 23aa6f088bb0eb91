import { compare } from "../util/compare.js";
import type { Finding } from "./finding.js";

/** Gives for a key the first, in order of names, of all that findings join it with; itself where there is none. */
export function joinedKeys(findings: readonly Pick<Finding, "keys">[]): (key: string) => string {
  const first = new Map<string, string>();
  const root = (key: string): string => {
    let top = key;
    for (let next = first.get(top); next !== undefined; next = first.get(top)) top = next;
    // Whoever was passed on the way finds it at once the next time.
    for (let at = key; at !== top; ) {
      const next = first.get(at)!;
      first.set(at, top);
      at = next;
    }
    return top;
  };
  for (const { keys } of findings) {
    const [a, b] = keys.map(root).sort(compare);
    if (a !== b) first.set(b, a);
  }
  return root;
}

/** Whether a finding says that two names are of one person. */
export const isOfOnePerson = ({ kind }: Finding): boolean => kind === "leakage" || kind === "splitSpeaker";
