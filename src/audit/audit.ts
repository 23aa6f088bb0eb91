import type { AudioChecks } from "../checks/audio-checks.js";
import type { Decision } from "../decisions/decision.js";
import { invalid, stoppable } from "../errors.js";
import { type Lack, UntrainableError } from "../scoring/plda.js";
import { quantityIs } from "../shared/text.js";
import { compare } from "../util/compare.js";
import { demandList } from "../util/demand.js";
import { dot } from "../vectors/dot.js";
import { audioFindings } from "./audio-findings.js";
import { type AuditCorpus, type AuditUtterance, auditCorpus } from "./audit-corpus.js";
import { type Audit, showAudit } from "./audit-result.js";
import { dearestFirst } from "./cost.js";
import { settled } from "./decided.js";
import {
  audioKinds,
  type Finding,
  type FindingKind,
  labelKinds,
  leastProbability,
  probabilityOf,
} from "./finding.js";
import { type AuditProgress, type Judged, judge } from "./judge.js";

export type { Audit };

export interface AuditOptions {
  /** How often labels are judged before names are compared, each time without those found wrong before; default 2. */
  rounds?: number;
  /**
   * What was measured of the audio (`checkAudio`, `readChecks`): with it the audit looks for copies, for what is no speech and for doubtful
   * audio too, before it looks at labels.
   */
  checks?: readonly AudioChecks[];
  /**
   * What people have decided before (`readDecisions`): it is not asked again, and what was dropped, relabelled, merged and split
   * is taken as given. The audit's own proposals among them do not count.
   */
  decisions?: readonly Decision[];
  /** Told after every part of the work how far it is; what is done only rises. */
  onProgress?: (progress: AuditProgress) => void;
  abortSignal?: AbortSignal;
}

/** Why nothing can be compared, by what a model of the voices lacks once some names are joined and some labels doubted. */
const whyNothing: Record<Lack, string> = {
  people:
    "All speakers sound like one person, or are too few to tell, so that there is nobody to compare with.",
  repeats: "The speakers have too few utterances to hold one label against another.",
  variation:
    "All embeddings of a speaker are equal, so that there is no measure of how much they may differ.",
};

/** Below so many speakers with two utterances the directions in which voices differ cannot be learned. */
const leastSpeakers = 20;

/**
 * What is wrong with the labels of a corpus, by its embeddings alone: wrong labels, one person under two names, the same
 * person in two data sets (leakage), two people under one name.
 *
 * Every label is judged; then names of one person are found and joined, names are tried to split in two, and labels are judged
 * again, given those. Voices are compared by a two-covariance model (`plda`) trained on the corpus. Scores are log likelihood ratios of
 * what may be wrong against what is right, and how many faults there are is found in the corpus: no threshold is a constant.
 *
 * The result is the same for any order of the utterances. Measured error rates are in docs/audit.md.
 *
 * @param utterances embeddings of one model with names; `session` where known: the recording an utterance was cut from
 * @throws `invalid` for what is no list, for embeddings that are zero, not finite or of different length, and for `rounds` below 1; `interrupted` when `abortSignal` is aborted
 * @example
 * const { findings, summary } = await audit(utterances);
 * console.table(findings.filter(({ probability }) => probability >= 0.5));
 */
export async function audit(
  utterances: readonly AuditUtterance[],
  { checks, decisions, ...options }: AuditOptions = {},
): Promise<Audit> {
  demandList(utterances, "audit takes the list of utterances with their embeddings");
  if (checks !== undefined)
    demandList(
      checks,
      "The option checks of audit is a list",
      "const { checks } = await checkAudio(utterances)",
    );
  const settledBefore = decisions === undefined ? undefined : settled(utterances, decisions);
  const asked = settledBefore?.utterances ?? utterances;
  const whole = await stoppable("The audit", () =>
    checks === undefined ? auditLabels(asked, options) : auditAudioAndLabels(asked, checks, options),
  );
  if (settledBefore === undefined) return showAudit(whole);
  const findings = whole.findings.filter(settledBefore.isOpen);
  const summary = { ...whole.summary, found: countsOf(findings), decided: settledBefore.decided };
  return showAudit({ ...whole, findings, summary });
}

type LabelOptions = Omit<AuditOptions, "checks" | "decisions">;

async function auditAudioAndLabels(
  utterances: readonly AuditUtterance[],
  checks: readonly AudioChecks[],
  options: LabelOptions,
): Promise<Audit> {
  const audio = await audioFindings(utterances, checks, options);
  const { findings: ofLabels, summary, info } = await auditLabels(audio.utterances, options);
  const findings = [...audio.findings, ...ofLabels].sort(
    (a, b) => dearestFirst(a, b) || compare(a.kind, b.kind) || compare(a.keys.join(" "), b.keys.join(" ")),
  );
  return {
    findings,
    summary: { ...summary, found: countsOf(findings) },
    info: {
      ...info,
      notLookedFor: checks.some((row) => "voiceChange" in row) ? [] : ["severalVoices"],
      unmeasured: audio.unmeasured,
    },
  };
}

async function auditLabels(
  utterances: readonly AuditUtterance[],
  { rounds = 2, ...options }: LabelOptions,
): Promise<Audit> {
  if (!(Number.isInteger(rounds) && rounds >= 1))
    throw invalid(`rounds is ${rounds}. It has to be a whole number from 1 on.`, { got: rounds });
  const corpus = auditCorpus(utterances);
  const { names, n } = corpus;
  const repeated = names.filter(({ from, to }) => to - from > 1).length;
  const summaryOf = (findings: readonly Finding[]) => ({
    utterances: n,
    speakers: names.length,
    unlabelled: utterances.length - n,
    found: countsOf(findings),
  });
  const nothing = (why: string): Audit => ({
    findings: [],
    summary: summaryOf([]),
    info: { model: "none", why, rounds: 0, notLookedFor: [...audioKinds], unmeasured: 0 },
  });
  if (names.length < 2)
    return nothing(
      names.length === 0
        ? "No utterance has a speaker."
        : "There is one speaker only, and nobody to compare with.",
    );
  if (repeated === 0)
    return nothing("No speaker has two utterances, so that no label can be held against another.");
  if (names.every(({ from, to }) => corpus.firstEqual.subarray(from, to).every((first) => first === from)))
    return nothing(whyNothing.variation);
  const isLearned = repeated >= leastSpeakers;
  try {
    const judged = await judge(corpus, { rounds, isLearned, ...options });
    const findings = findingsOf(corpus, judged);
    const why = isLearned
      ? null
      : `${quantityIs(repeated, "speaker", "has", "have")} two utterances or more. A model of voices needs ${leastSpeakers}; cosines were compared instead.`;
    return {
      findings,
      summary: summaryOf(findings),
      info: {
        model: isLearned ? "plda" : "cosine",
        why,
        rounds,
        notLookedFor: [...audioKinds],
        unmeasured: 0,
      },
    };
  } catch (error) {
    if (error instanceof UntrainableError) return nothing(whyNothing[error.lack]);
    throw error;
  }
}

function findingsOf(corpus: AuditCorpus, judged: Judged): Finding[] {
  const { names, utterances } = corpus;
  const { pairs, labels, merged, personOfName } = judged;
  const kept = Uint8Array.from(judged.weights, (x) => Number(x > 0.5));
  const voices = typicalOf(corpus, kept);
  const findings: Finding[] = [];
  const add = (finding: Omit<Finding, "probability">) => {
    const probability = probabilityOf(finding.score);
    if (probability >= leastProbability) findings.push({ ...finding, probability });
  };
  const sizeOf = (s: number) => names[s].to - names[s].from;

  for (const { first, second, ratio, logOdds } of pairs) {
    if (!(probabilityOf(logOdds) >= leastProbability)) continue;
    const keys = [names[first].key, names[second].key];
    const isAcross = names[first].dataset !== names[second].dataset;
    add({
      kind: isAcross ? "leakage" : "splitSpeaker",
      keys,
      score: logOdds,
      evidence: {
        logLikelihoodRatio: ratio,
        cosine: voices.cosine(first, second),
        utterances1: sizeOf(first),
        utterances2: sizeOf(second),
        listen: [...voices.typical(first), ...voices.typical(second)],
      },
      remedy: isAcross ? { action: "keepOnOneSide", names: keys } : { action: "mergeNames", names: keys },
    });
  }

  const nameOfPerson = new Map<number, number>();
  for (const s of names.keys()) {
    const other = nameOfPerson.get(personOfName[s]);
    if (other === undefined || sizeOf(s) > sizeOf(other)) nameOfPerson.set(personOfName[s], s);
  }
  labels.logOdds.forEach((score, i) => {
    if (!(probabilityOf(score) >= leastProbability)) return;
    const own = corpus.nameOf[i];
    const person = labels.nearest[i];
    const target = person < 0 ? undefined : (nameOfPerson.get(person) ?? person - names.length);
    // Whether anybody in particular is likelier than all the others and a stranger together.
    const isKnown = target !== undefined && target !== own && labels.isOfOther(i);
    add({
      kind: "wrongLabel",
      keys: [utterances[i].key],
      score,
      evidence: {
        speaker: names[own].key,
        nearestSpeaker: target === undefined ? null : names[target].key,
        logLikelihoodRatioOwn: labels.own[i],
        logLikelihoodRatioNearest: labels.other[i],
        listen: [...voices.typical(own, i), ...(target === undefined ? [] : voices.typical(target))],
      },
      remedy: isKnown ? { action: "relabel", to: names[target].key } : { action: "drop" },
    });
  });

  for (const { name, part, ratio, logOdds } of merged) {
    if (!(probabilityOf(logOdds) >= leastProbability)) continue;
    const isPart = new Set(part);
    const { from, to, key } = names[name];
    const rest = Array.from({ length: to - from }, (_, r) => from + r).filter((i) => !isPart.has(i));
    const keysOf = (rows: readonly number[]) => rows.map((i) => utterances[i].key);
    add({
      kind: "mergedSpeakers",
      keys: [key],
      score: logOdds,
      evidence: {
        logLikelihoodRatio: ratio,
        utterances1: rest.length,
        utterances2: part.length,
        listen: keysOf([rest[0], part[0]]),
      },
      remedy: { action: "splitName", parts: [keysOf(rest), keysOf(part)] },
    });
  }
  return findings.sort(dearestFirst);
}

/** What to listen to: the kept utterance of a name that is nearest to the mean of all. */
function typicalOf({ names, utterances, data, dimension: d }: AuditCorpus, kept: Uint8Array) {
  const meanOf = (s: number): Float64Array => {
    const mean = new Float64Array(d);
    const { from, to } = names[s];
    for (let i = from; i < to; i++) if (kept[i]) for (let k = 0; k < d; k++) mean[k] += data[i * d + k];
    return mean;
  };
  return {
    cosine(a: number, b: number): number {
      const [x, y] = [meanOf(a), meanOf(b)];
      return dot(x, 0, y, 0, d) / Math.sqrt(dot(x, 0, x, 0, d) * dot(y, 0, y, 0, d));
    },
    typical(s: number, but = -1): string[] {
      const mean = meanOf(s);
      let [best, most] = [-1, -Infinity];
      for (let i = names[s].from; i < names[s].to; i++) {
        const near = kept[i] && i !== but ? dot(data, i, mean, 0, d) : -Infinity;
        if (near > most) [best, most] = [i, near];
      }
      return best < 0 ? [] : [utterances[best].key];
    },
  };
}

function countsOf(findings: readonly Finding[]): Record<FindingKind, number> {
  const kinds: FindingKind[] = [...labelKinds, ...audioKinds];
  const counts = Object.fromEntries(kinds.map((kind) => [kind, 0])) as Record<FindingKind, number>;
  for (const { kind, probability } of findings) if (probability >= 0.5) counts[kind]++;
  return counts;
}
