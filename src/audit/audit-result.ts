import { quantity, whole } from "../shared/text.js";
import { showAs } from "../show/show-as.js";
import type { View } from "../show/view.js";
import type { Decided } from "./decided.js";
import type { Finding, FindingKind } from "./finding.js";

export interface Audit {
  /** Down to a probability of 0.05, what costs most first; from 0.5 on it counts as found. */
  findings: Finding[];
  summary: {
    utterances: number;
    speakers: number;
    /** Utterances of an unknown speaker, which were not looked at. */
    unlabelled: number;
    /** Findings of a probability of 0.5 or more. */
    found: Record<FindingKind, number>;
    /** How the `decisions` that were given went, and by the probability of the findings; only with some. */
    decided?: Decided;
  };
  info: {
    /**
     * What compared the voices: `plda`, a model trained on the corpus; `cosine`, where it has too few speakers for one;
     * `none`, where there is nothing to compare.
     */
    model: "plda" | "cosine" | "none";
    /** Why it was not `plda`; null where it was. */
    why: string | null;
    rounds: number;
    /** What could not be looked for, because nothing was measured of the audio. */
    notLookedFor: FindingKind[];
    /** Utterances of which nothing was measured; 0 where nothing was of any. */
    unmeasured: number;
  };
}

/** From this share of the names on, and so many of them, names of two people are too many to be believed at once. */
const manyNames = { share: 0.1, least: 3 };

/** What to think of very many names of two people; empty where there are not. */
export function stylesNote({ speakers, found }: Audit["summary"]): string {
  const count = found.mergedSpeakers;
  return count >= manyNames.least && count > manyNames.share * speakers
    ? `${whole(count)} of ${quantity(speakers, "speaker")} seem to be two people each. Who speaks in several ways (emotions, languages, channels) can look like two: listen before you split.`
    : "";
}

const mostFindings = 12;

/** Makes an audit show itself: how much was found of each kind, and the findings that cost most. */
export function showAudit(audit: Audit): Audit {
  showAs(audit.findings, (findings) => ({
    title: quantity(findings.length, "finding"),
    parts: [findingTable(findings)],
  }));
  return showAs(audit, auditView);
}

function auditView({ findings, summary, info }: Audit): View {
  const note = stylesNote(summary);
  const { utterances, speakers, unlabelled, found, decided } = summary;
  const counts = Object.entries(found).filter(([, count]) => count > 0);
  const doubts = findings.filter(({ probability }) => probability < 0.5).length;
  const surely = counts.reduce((sum, [, count]) => sum + count, 0);
  return {
    title: `Audit of ${quantity(utterances, "utterance")} of ${quantity(speakers, "speaker")}: ${quantity(surely, "finding")}`,
    parts: [
      counts.map(([kind, count]) => `${kind} ${count}`).join(", "),
      doubts === 0 ? "" : `${quantity(doubts, "doubt")} besides, of a probability of 0.05 to 0.5`,
      info.why === null ? "" : `Note: ${info.why}`,
      note === "" ? "" : `Note: ${note}`,
      unlabelled === 0 ? "" : `${quantity(unlabelled, "utterance")} of unknown speakers left out`,
      info.unmeasured === 0
        ? ""
        : `Nothing is known of the audio of ${quantity(info.unmeasured, "utterance")}`,
      info.notLookedFor.length === 0
        ? ""
        : `Not looked for, without checks of the audio: ${info.notLookedFor.join(", ")}`,
      decided === undefined
        ? ""
        : `Decided before: ${decided.agreed} ${decided.agreed === 1 ? "holds" : "hold"}, ${decided.disagreed} ${decided.disagreed === 1 ? "does" : "do"} not, ${decided.unsure} unsure` +
          (decided.proposals > 0
            ? `; ${quantity(decided.proposals, "decision")} by the audit itself ignored`
            : ""),
      findingTable(findings),
    ],
  };
}

const findingTable = (findings: readonly Finding[]) => ({
  rows: findings.slice(0, mostFindings).map(({ kind, keys, probability, remedy }) => ({
    kind,
    what: keys.join(", "),
    probability: Number(probability.toFixed(3)),
    remedy: "to" in remedy ? `${remedy.action} to ${remedy.to}` : remedy.action,
  })),
  total: findings.length,
  noun: "findings",
});
