import { quantity } from "../shared/text.js";
import type { Audit } from "./audit.js";
import type { FindingKind } from "./finding.js";

const texts: Record<FindingKind, string> = {
  wrongLabel: "utterances with a wrong label",
  splitSpeaker: "pairs of names of one person",
  leakage: "pairs of names of one person in two data sets",
  mergedSpeakers: "names that hold two people",
};

/** What an audit has found, in lines for a terminal. */
export function* auditSummary({ findings, summary, info }: Audit): Generator<string> {
  yield `${quantity(summary.utterances, "utterance")} of ${quantity(summary.speakers, "speaker")} looked at` +
    (summary.unlabelled > 0 ? `; ${summary.unlabelled} of unknown speakers left out` : "");
  if (info.why !== null) yield `Note: ${info.why}`;
  for (const kind of Object.keys(texts) as FindingKind[]) yield `${summary.found[kind]} ${texts[kind]}`;
  const rest = findings.filter(({ probability }) => probability < 0.5).length;
  if (rest > 0) yield `${rest} doubts besides, of a probability of 0.05 to 0.5`;
}
