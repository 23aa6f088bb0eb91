import { quantity } from "../shared/text.js";
import type { Audit } from "./audit.js";
import type { Decided } from "./decided.js";
import type { FindingKind } from "./finding.js";
import { kindNames } from "./findings-table.js";

const texts: Record<FindingKind, string> = {
  wrongLabel: "utterances with a wrong label",
  splitSpeaker: "pairs of names of one person",
  leakage: "pairs of names of one person in two data sets",
  mergedSpeakers: "names that hold two people",
  equalFiles: "pairs of equal files",
  nearCopies: "pairs of near copies",
  nonSpeech: "files without speech",
  severalVoices: "files with two voices",
  short: "files of under a second",
  clipped: "clipped files",
  quiet: "quiet files",
  narrowBand: "files of a narrow band",
  lowSnr: "files of speech hardly above the noise",
};

/** What an audit has found, in lines for a terminal. */
export function* auditSummary({ findings, summary, info }: Audit): Generator<string> {
  yield `${quantity(summary.utterances, "utterance")} of ${quantity(summary.speakers, "speaker")} looked at` +
    (summary.unlabelled > 0 ? `; ${summary.unlabelled} of unknown speakers left out` : "");
  if (info.why !== null) yield `Note: ${info.why}`;
  if (info.unmeasured > 0) yield `Note: of ${info.unmeasured} utterances nothing is known of the audio`;
  const kinds = (Object.keys(texts) as FindingKind[]).filter((kind) => !info.notLookedFor.includes(kind));
  for (const kind of kinds) yield `${summary.found[kind]} ${texts[kind]} (${kindNames[kind]})`;
  const rest = findings.filter(({ probability }) => probability < 0.5).length;
  if (rest > 0) yield `${rest} doubts besides, of a probability of 0.05 to 0.5`;
  // Nobody who does not ask for it misses it.
  const missed = info.notLookedFor.filter((kind) => kind !== "severalVoices");
  if (missed.length > 0)
    yield `Not looked for, without the audio: ${missed.map((kind) => texts[kind]).join(", ")}. ` +
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
