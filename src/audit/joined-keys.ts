import { compare } from "../util/compare.js";
import { joined } from "../util/joined.js";
import type { Finding } from "./finding.js";

/** Gives for a key the first, in order of names, of all that findings join it with; itself where there is none. */
export function joinedKeys(findings: readonly Pick<Finding, "keys">[]): (key: string) => string {
  const groupOf = joined(findings.map(({ keys }) => keys));
  const first = new Map<string, string>();
  for (const key of findings.flatMap(({ keys }) => keys)) {
    const before = first.get(groupOf(key));
    if (before === undefined || compare(key, before) < 0) first.set(groupOf(key), key);
  }
  return (key) => first.get(groupOf(key)) ?? key;
}

/** Whether a finding says that two names are of one person. */
export const isOfOnePerson = ({ kind }: Finding): boolean => kind === "leakage" || kind === "splitSpeaker";
