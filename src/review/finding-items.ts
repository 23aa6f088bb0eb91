import { type Finding, qualityKinds } from "../audit/finding.js";
import type { Decision } from "../decisions/decision.js";
import { percent, whole } from "../shared/text.js";
import type { ReviewAction, ReviewItem, ReviewVoice } from "./item.js";
import type { Recordings } from "./recordings.js";

interface Words {
  title: (finding: Finding) => string;
  agree: string;
  keep: string;
}

/** What a person is asked. Kinds that are not here are asked in general words. */
const words: Record<string, Words> = {
  wrongLabel: {
    title: ({ keys, evidence }) => `Is ${keys[0]} spoken by ${evidence.speaker}?`,
    agree: "No",
    keep: "Yes, the label is right",
  },
  splitSpeaker: {
    title: ({ keys }) => `Are ${keys.join(" and ")} one person?`,
    agree: "One person",
    keep: "Two people",
  },
  leakage: {
    title: ({ keys }) => `Is one person in two data sets, as ${keys.join(" and ")}?`,
    agree: "One person: keep on one side",
    keep: "Two people",
  },
  mergedSpeakers: {
    title: ({ keys }) => `Does ${keys[0]} hold two people?`,
    agree: "Two people: split the name",
    keep: "One person",
  },
  equalFiles: {
    title: ({ keys }) => `Are ${keys.join(" and ")} the same recording?`,
    agree: "The same",
    keep: "Keep both",
  },
  nearCopies: {
    title: ({ keys }) => `Are ${keys.join(" and ")} copies of one recording?`,
    agree: "Copies",
    keep: "Keep both",
  },
  nonSpeech: {
    title: ({ keys }) => `Is there speech in ${keys[0]}?`,
    agree: "No: leave it out",
    keep: "There is speech",
  },
  severalVoices: {
    title: ({ keys }) => `Is more than one voice in ${keys[0]}?`,
    agree: "Yes: leave it out",
    keep: "One voice",
  },
};

/** What a recording of doubtful quality may be too much of. */
const faults: Record<string, string> = {
  short: "short",
  clipped: "distorted",
  quiet: "quiet",
  narrowBand: "narrow in band",
  lowSnr: "noisy",
};

const inGeneral: Words = {
  title: ({ kind, keys }) => `Is ${keys[0]} too ${faults[kind] ?? spelt(kind)} to keep?`,
  agree: "Yes: leave it out",
  keep: "Keep it",
};

/** Kinds whose keys are recordings, about which more can be decided than yes and no. */
const ofRecordings = new Set<string>(["wrongLabel", "nonSpeech", "severalVoices", ...qualityKinds]);

/** `lowSnr` as people read it: `low snr`. */
const spelt = (name: string): string => name.replace(/([a-z])([A-Z0-9])/g, "$1 $2").toLowerCase();

/**
 * A finding as something to decide. The first choice is what the audit proposes.
 *
 * @param proposal what it proposes as a decision, which knows the name that all names of a person get
 */
export function findingItem(finding: Finding, recordings: Recordings, proposal?: Decision): ReviewItem {
  const { kind, keys, probability, score, remedy } = finding;
  const { title, agree, keep } = words[kind] ?? inGeneral;
  const { to, parts, ...proposed } = proposal ?? (remedy as Pick<Decision, "action" | "to" | "parts">);
  // A doubt that the audit would live with: who agrees with it leaves the recording out.
  const action = proposed.action === "keep" ? "drop" : proposed.action;
  const agreed: ReviewAction = {
    action,
    label: agreedText(agree, action, to),
    ...(to === undefined ? {} : { to }),
    ...(parts === undefined ? {} : { parts: parts.map((part) => [...part]) }),
  };
  if (kind === "wrongLabel") agreed.label = to === undefined ? "No: leave it out" : `No, it is ${to}`;
  const names = namesOf(finding, recordings);
  return {
    kind,
    keys: [...keys],
    title: title(finding),
    probability,
    voices: voicesOf(finding, recordings, names),
    facts: [
      ["probability", percent(probability)],
      ["score, log odds", score.toFixed(1)],
      ...factsOf(finding),
    ],
    actions: [
      agreed,
      { action: "keep", label: keep },
      { action: "unsure", label: "Unsure" },
      ...(ofRecordings.has(kind) && action !== "drop"
        ? [{ action: "drop" as const, label: "Leave it out" }]
        : []),
      ...(ofRecordings.has(kind)
        ? [{ action: "relabel" as const, label: "It is somebody else ...", needs: "speaker" as const }]
        : []),
      ...(kind === "leakage" ? [{ action: "mergeNames" as const, label: "One person: one name" }] : []),
    ],
    map: {
      names,
      marked: keys.filter((key) => recordings.has(key)),
      ...(remedy.action === "splitName" ? { parts: remedy.parts } : {}),
    },
  };
}

function agreedText(agree: string, action: ReviewAction["action"], to: string | undefined): string {
  if (action === "keepOne") return `${agree}: keep ${to ?? "one"}`;
  if (to === undefined) return agree;
  return action === "mergeNames" ? `${agree}: call both ${to}` : `${agree}: ${to}`;
}

/** The speakers concerned. */
function namesOf({ keys, evidence }: Finding, recordings: Recordings): string[] {
  const told = [evidence.speaker, evidence.nearestSpeaker].filter((name) => typeof name === "string");
  const own = keys.flatMap((key) => (recordings.isName(key) ? [key] : (recordings.nameOf(key) ?? [])));
  return [...new Set([...own, ...told])].filter((name) => recordings.isName(name)).slice(0, 4);
}

function voicesOf(
  { kind, keys, evidence, remedy }: Finding,
  recordings: Recordings,
  names: string[],
): ReviewVoice[] {
  const listen = (Array.isArray(evidence.listen) ? evidence.listen : []).filter(
    (key) => typeof key === "string",
  );
  const own = keys.filter((key) => recordings.has(key));
  const others =
    listen.length > 0 || own.length > 0 ? listen : names.flatMap((name) => recordings.typical(name) ?? []);
  const at = evidence.changeSeconds;
  const voices: ReviewVoice[] = own.map((key) => ({
    key,
    label: kind === "wrongLabel" ? `said to be ${recordings.nameOf(key)}` : (recordings.nameOf(key) ?? key),
    detail:
      typeof at === "number" ? "the line is where the voice seems to change" : "the recording in question",
    ...(typeof at === "number" ? { at } : {}),
  }));
  const parts = remedy.action === "splitName" ? remedy.parts : undefined;
  for (const key of others) {
    if (own.includes(key)) continue;
    const name = recordings.nameOf(key) ?? key;
    const part = parts?.findIndex((keys) => keys.includes(key)) ?? -1;
    voices.push({
      key,
      label: part < 0 ? name : `voice ${part + 1} of ${name}`,
      detail: part < 0 ? "typical of this speaker" : `one of its ${parts![part]!.length} recordings`,
    });
  }
  return voices.slice(0, 6);
}

const seconds = (value: number) => `${value.toFixed(Math.abs(value) < 1 ? 2 : 1)} s`;
const decibels = (value: number) => `${value.toFixed(1)} dB`;
const cosine = (value: number) => value.toFixed(3);
const hertz = (value: number) => `${whole(value)} Hz`;
const part = (value: number) => `${Number((100 * value).toPrecision(2))} %`;

/** What the evidence's fields are called on the desk, and how their numbers are written. */
const fields: Record<string, [label: string, textOf?: (value: number) => string]> = {
  logLikelihoodRatio: ["log likelihood ratio"],
  logLikelihoodRatioOwn: ["log likelihood ratio, own speaker"],
  logLikelihoodRatioNearest: ["log likelihood ratio, nearest other"],
  speaker: ["said to be"],
  nearestSpeaker: ["nearest other speaker"],
  cosine: ["cosine of the two means", cosine],
  correlation: ["correlation of the sound", cosine],
  lagSeconds: ["shifted by", seconds],
  secondsCompared: ["compared over", seconds],
  seconds: ["length", seconds],
  secondsOfSpeech: ["speech in it", seconds],
  speechPeak: ["most likely speech, 0 to 1", (value) => value.toFixed(2)],
  levelDb: ["level of the speech", (value) => `${value.toFixed(1)} dBFS`],
  snrDb: ["speech above the noise", decibels],
  bandwidthHz: ["bandwidth", hertz],
  partAtFullScale: ["samples at full scale", part],
  similarityAcross: ["cosine across the change", cosine],
  usualSimilarity: ["usual cosine", cosine],
  changeSeconds: ["change of voice at", seconds],
  path: ["file"],
};

/** What a doubt is measured by, which the limit is of. */
const measureOf: Record<string, string> = {
  short: "seconds",
  clipped: "partAtFullScale",
  quiet: "levelDb",
  narrowBand: "bandwidthHz",
  lowSnr: "snrDb",
};

/** What is known of both recordings of a pair, in one line each. */
const ofBoth: Record<string, string> = { seconds: "lengths", speaker: "said to be" };

/** The evidence in words; what to listen to is heard. */
function factsOf({ kind, keys, evidence }: Finding): [string, string][] {
  return Object.entries(evidence).flatMap(([name, value]): [string, string][] => {
    const [, stem = name, number] = /^(.+)([12])$/.exec(name) ?? [];
    // Of a pair, one recording may be nobody's.
    const isNothing = value === undefined || (value === null && ofBoth[stem] === undefined);
    if (name === "listen" || isNothing) return [];
    const [label = spelt(stem), textOf = plainText] = fields[stem] ?? [];
    const written = (one: unknown) => (typeof one === "number" ? textOf(one) : plainText(one));
    if (name === "limit") {
      const [, limitText = plainText] = fields[measureOf[kind] ?? ""] ?? [];
      return [[label, typeof value === "number" ? limitText(value) : plainText(value)]];
    }
    if (number === undefined) return [[label, written(value)]];
    if (stem === "utterances")
      return [
        [
          keys.length > 1 ? `recordings of ${keys[Number(number) - 1]}` : `recordings of voice ${number}`,
          written(value),
        ],
      ];
    const both = ofBoth[stem];
    if (both === undefined) return [[`${number === "1" ? "first" : "second"} ${label}`, written(value)]];
    return number === "2" ? [] : [[both, `${written(value)}, ${written(evidence[`${stem}2`])}`]];
  });
}

function plainText(value: unknown): string {
  if (value === null) return "unknown";
  if (typeof value === "number")
    return Number.isInteger(value) ? String(value) : value.toFixed(Math.abs(value) < 1 ? 3 : 1);
  if (typeof value === "string") return value;
  if (Array.isArray(value)) return value.map(plainText).join(", ");
  return JSON.stringify(value);
}
