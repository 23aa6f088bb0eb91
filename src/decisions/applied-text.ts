import { quantity } from "../shared/text.js";
import type { Applied } from "./apply-decisions.js";
import { inWords } from "./decision.js";

/** Longer lists are cut, with a word on how many more there are. */
const longest = 10;

/** What applying decisions did, in lines for a terminal. */
export function* appliedText({
  summary,
  info,
}: Pick<Applied<never, never>, "summary" | "info">): Generator<string> {
  const { utterances, dropped, relabelled, namesGone, unsure } = summary;
  yield `${quantity(utterances, "utterance")} left: ${dropped} dropped, ${relabelled} put under another speaker` +
    (namesGone > 0 ? `; ${quantity(namesGone, "name")} gone` : "");
  if (info.newNames.length > 0) yield `New names: ${cut(info.newNames)}`;
  for (const names of info.oneSide.slice(0, longest))
    yield `To keep on one side of a split: ${names.join(", ")}`;
  if (info.oneSide.length > longest) yield `  and ${info.oneSide.length - longest} more`;
  if (unsure > 0)
    yield `${quantity(unsure, "decision")} unsure, which ${unsure === 1 ? "changes" : "change"} nothing`;
  if (info.disagreements.length > 0) {
    yield `${quantity(info.disagreements.length, "disagreement")}, about which nothing was done:`;
    for (const { decisions } of info.disagreements.slice(0, longest))
      yield `  ${decisions.map(inWords).join("; ")}`;
    if (info.disagreements.length > longest) yield `  and ${info.disagreements.length - longest} more`;
  }
  if (info.unknown.length > 0) yield `Warning: the corpus does not have ${cut(info.unknown)}`;
}

const cut = (names: readonly string[]) =>
  names.length > longest
    ? `${names.slice(0, longest).join(", ")} and ${names.length - longest} more`
    : names.join(", ");
