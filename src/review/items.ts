import type { UtteranceVariability } from "../analysis/variability.js";
import type { Finding } from "../audit/finding.js";
import { type Decision, subjectOf } from "../decisions/decision.js";
import { proposeDecisions } from "../decisions/propose-decisions.js";
import { invalid, shown } from "../errors.js";
import type { SpeakerPair } from "../types.js";
import { findingItem } from "./finding-items.js";
import type { ReviewItem } from "./item.js";
import type { Recordings } from "./recordings.js";

/** What can be reviewed: findings of an audit, pairs of speakers, two recordings by their keys, or recordings. */
export type Reviewable =
  | Finding
  | SpeakerPair
  | readonly [string, string]
  | ({ key: string } & Partial<
      Pick<UtteranceVariability, "similarity" | "nearestSpeaker" | "nearestSimilarity" | "pull">
    >);

/** @throws `invalid` for what is none of these */
export function reviewItems(given: readonly Reviewable[], recordings: Recordings): ReviewItem[] {
  const findings = given.filter((one): one is Finding => "remedy" in one);
  const proposals = new Map<string, Decision>(
    proposeDecisions(findings).map((proposal) => [subjectOf(proposal), proposal]),
  );
  return given.map((one) => {
    if ("remedy" in one) return findingItem(one, recordings, proposals.get(subjectOf(one)));
    if ("speaker1" in one) {
      const { speaker1, speaker2, similarity } = one;
      return pairItem([speaker1.key, speaker2.key], recordings, [
        ["cosine of the speakers", similarity.toFixed(3)],
      ]);
    }
    if (Array.isArray(one) && one.length === 2) return pairItem([...one] as [string, string], recordings, []);
    if ("key" in one) return utteranceItem(one, recordings);
    throw invalid(
      `${shown(one)} is nothing to review. Give findings of audit, pairs of highSimilarityPairs, pairs of keys, or utterances.`,
      { got: one },
    );
  });
}

function pairItem(keys: [string, string], recordings: Recordings, facts: [string, string][]): ReviewItem {
  const isOfNames = keys.every(recordings.isName);
  const heard = isOfNames ? keys.map((name) => recordings.typical(name)!) : keys;
  return {
    kind: "pair",
    keys,
    title: `Are ${keys.join(" and ")} one person?`,
    probability: null,
    voices: heard.map((key) => ({ key, label: recordings.nameOf(key) ?? key })),
    facts: [
      ...facts,
      ...(isOfNames
        ? keys.map((name): [string, string] => [`recordings of ${name}`, String(recordings.of(name).length)])
        : []),
    ],
    actions: [
      { action: "same", label: "The same" },
      { action: "different", label: "Different" },
      { action: "unsure", label: "Unsure" },
    ],
    map: {
      names: isOfNames ? keys : [...new Set(keys.flatMap((key) => recordings.nameOf(key) ?? []))],
      marked: isOfNames ? [] : keys,
    },
  };
}

function utteranceItem(
  { key, similarity, nearestSpeaker, nearestSimilarity }: Extract<Reviewable, { key: string }>,
  recordings: Recordings,
): ReviewItem {
  const own = recordings.nameOf(key);
  const near = nearestSpeaker ?? undefined;
  const typicalOf = (name: string | undefined, detail: string) => {
    const heard = name === undefined ? undefined : recordings.typical(name);
    return heard === undefined || heard === key ? [] : [{ key: heard, label: name!, detail }];
  };
  const facts: [string, string][] = [];
  if (similarity !== undefined) facts.push(["mean cosine to the speaker's others", similarity.toFixed(3)]);
  if (near !== undefined) facts.push(["nearest other speaker", near]);
  if (near !== undefined && nearestSimilarity !== undefined)
    facts.push(["mean cosine to it", nearestSimilarity.toFixed(3)]);
  return {
    kind: "utterance",
    keys: [key],
    title: own === undefined ? `What is ${key}?` : `Is ${key} spoken by ${own}?`,
    probability: null,
    voices: [
      { key, label: own ?? "unknown speaker", detail: "the recording in question" },
      ...typicalOf(own, "typical of this speaker"),
      ...typicalOf(near, "the nearest other speaker"),
    ],
    facts,
    actions: [
      { action: "keep", label: "Keep" },
      { action: "drop", label: "Leave out" },
      { action: "relabel", label: "It is somebody else ...", needs: "speaker" },
      { action: "unsure", label: "Unsure" },
    ],
    map: { names: [own, near].filter((name) => name !== undefined), marked: [key] },
  };
}
