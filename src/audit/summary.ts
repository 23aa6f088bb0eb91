import { quantity } from "../shared/text.js";
import type { Audit } from "./audit.js";
import type { Decided } from "./decided.js";
import type { FindingKind } from "./finding.js";
import { kindNames } from "./findings-table.js";

/** What is counted, and what is wrong with it. */
const texts: Record<FindingKind, readonly [noun: string, rest: string]> = {
  wrongLabel: ["utterance", " with a wrong label"],
  splitSpeaker: ["pair", " of names of one person"],
  leakage: ["pair", " of names of one person in two data sets"],
  mergedSpeakers: ["name", " of two people"],
  equalFiles: ["pair", " of equal files"],
  nearCopies: ["pair", " of near copies"],
  nonSpeech: ["file", " without speech"],
  severalVoices: ["file", " with two voices"],
  short: ["file", " of under a second"],
  clipped: ["clipped file", ""],
  quiet: ["quiet file", ""],
  narrowBand: ["file", " of a narrow band"],
  lowSnr: ["file", " of speech hardly above the noise"],
};

/** What an audit has found, in lines for a terminal. */
export function* auditSummary({ findings, summary, info }: Audit): Generator<string> {
  yield `${quantity(summary.utterances, "utterance")} of ${quantity(summary.speakers, "speaker")} looked at` +
    (summary.unlabelled > 0 ? `; ${summary.unlabelled} of unknown speakers left out` : "");
  if (info.why !== null) yield `Note: ${info.why}`;
  if (info.unmeasured > 0)
    yield `Note: of ${quantity(info.unmeasured, "utterance")} nothing is known of the audio`;
  const kinds = (Object.keys(texts) as FindingKind[]).filter((kind) => summary.found[kind] > 0);
  for (const kind of kinds) {
    const [noun, what] = texts[kind];
    yield `${quantity(summary.found[kind], noun)}${what} (${kindNames[kind]})`;
  }
  if (kinds.length === 0) yield "Nothing found";
  const rest = findings.filter(({ probability }) => probability < 0.5).length;
  if (rest > 0) yield `${quantity(rest, "doubt")} besides, of a probability of 0.05 to 0.5`;
  // Nobody who does not ask for it misses it.
  const missed = info.notLookedFor.filter((kind) => kind !== "severalVoices");
  if (missed.length > 0)
    yield `Not looked for, without the audio: ${missed.map((kind) => `${texts[kind][0]}s${texts[kind][1]}`).join(", ")}. ` +
      "Give --data_root or --manifest, or extract with --checks.";
  if (summary.decided !== undefined) yield* decidedText(summary.decided);
}

function* decidedText({ agreed, disagreed, unsure, proposals, bands }: Decided): Generator<string> {
  yield `Decided before: ${quantity(agreed, "finding")} ${agreed === 1 ? "holds" : "hold"}, ${disagreed} do not, ${unsure} unsure`;
  if (proposals > 0)
    yield `  ${quantity(proposals, "line")} by the audit itself ${proposals === 1 ? "was" : "were"} ignored: put your own name into "by" of those that you decide`;
  for (const { from, to, agreed, disagreed, precision } of bands)
    if (precision !== null)
      yield `  of probability ${from} to ${to}: ${agreed} of ${agreed + disagreed} hold`;
}
