import { percent, quantity, whole } from "../shared/text.js";
import { type Audit, stylesNote } from "./audit-result.js";
import type { Decided } from "./decided.js";
import { type FindingKind, qualityKinds } from "./finding.js";
import { findingText } from "./finding-text.js";

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

/** Most findings of a kind that are named. */
const named = 3;

/** How the kinds of the audio are summed up where nothing was measured. */
const ofTheAudio = "copies, files without speech, and short, clipped, quiet, noisy or narrow-band ones";

/**
 * What an audit has found, in lines for a terminal: how much of each kind, and the findings that cost most.
 *
 * @param howToHear what to do where the audio was not looked at, as a sentence
 */
export function* auditSummary(
  { findings, summary, info }: Audit,
  howToHear = "Give --data_root or --manifest, or extract with --checks.",
): Generator<string> {
  const { utterances, speakers, unlabelled, found } = summary;
  const leftOut = [
    ...(unlabelled > 0 ? [`${unlabelled} of unknown speakers`] : []),
    ...(found.nonSpeech > 0 ? [`${found.nonSpeech} without speech`] : []),
  ];
  yield `${quantity(utterances, "utterance")} of ${quantity(speakers, "speaker")} looked at` +
    (leftOut.length > 0 ? `; left out: ${leftOut.join(", ")}` : "");
  if (info.why !== null) yield `Note: ${info.why}`;
  if (utterances === 0 && unlabelled > 0)
    yield "  To find out who speaks in speech without labels: npx speakerscope cluster";
  if (info.unmeasured > 0)
    yield `Note: of ${quantity(info.unmeasured, "utterance")} nothing is known of the audio`;
  const kinds = (Object.keys(texts) as FindingKind[]).filter((kind) => found[kind] > 0);
  for (const kind of kinds) {
    const [noun, what] = texts[kind];
    // What is doubtful for its quality is left as it is, and there may be thousands.
    const isNamed = !qualityKinds.some((quality) => quality === kind);
    yield `${quantity(found[kind], noun)}${what}${isNamed ? ":" : ""}`;
    if (!isNamed) continue;
    const own = findings.filter((finding) => finding.kind === kind && finding.probability >= 0.5);
    for (const finding of own.slice(0, named))
      yield `  ${findingText(finding)} (${percent(finding.probability)})`;
    if (own.length > named) yield `  and ${whole(own.length - named)} more`;
    const note = kind === "mergedSpeakers" ? stylesNote(summary) : "";
    if (note !== "") yield `  Note: ${note}`;
  }
  const isHeard = !info.notLookedFor.includes("equalFiles");
  if (kinds.length === 0 && (info.model !== "none" || isHeard))
    yield info.model === "none" ? "Nothing found in the audio" : "Nothing found";
  const rest = findings.filter(({ probability }) => probability < 0.5).length;
  if (rest > 0) yield `${quantity(rest, "doubt")} besides, of a probability of 0.05 to 0.5`;
  // Nobody who does not ask for it misses it.
  if (info.notLookedFor.some((kind) => kind !== "severalVoices"))
    yield `Not looked for, without the audio: ${ofTheAudio}. ${howToHear}`;
  if (summary.decided !== undefined) yield* decidedText(summary.decided);
}

function* decidedText({ agreed, disagreed, unsure, proposals, bands }: Decided): Generator<string> {
  yield `Decided before: ${quantity(agreed, "finding")} ${agreed === 1 ? "holds" : "hold"}, ${disagreed} ${disagreed === 1 ? "does" : "do"} not, ${unsure} unsure`;
  if (proposals > 0)
    yield `  ${quantity(proposals, "line")} by the audit itself ${proposals === 1 ? "was" : "were"} ignored: put your own name into "by" of those that you decide`;
  for (const { from, to, agreed, disagreed, precision } of bands)
    if (precision !== null)
      yield `  of probability ${from} to ${to}: ${agreed} of ${agreed + disagreed} hold`;
}
