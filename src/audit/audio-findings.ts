import { type AudioChecks, isMeasured, type MeasuredChecks } from "../checks/audio-checks.js";
import { nameOf } from "../decisions/names.js";
import { invalid } from "../errors.js";
import { quantity } from "../shared/text.js";
import { compare } from "../util/compare.js";
import { groupBy } from "../util/group-by.js";
import { sigmoid } from "../util/sigmoid.js";
import { dot } from "../vectors/dot.js";
import { unitVector } from "../vectors/unit-vector.js";
import type { AuditUtterance } from "./audit-corpus.js";
import { type Copy, equalFiles, type HeardUtterance, nearCopies } from "./copies.js";
import { type Finding, leastProbability } from "./finding.js";
import { joinedKeys } from "./joined-keys.js";
import { qualityDoubts } from "./quality-doubts.js";
import { severalVoices } from "./several-voices.js";

/** An utterance with its embedding and what was measured of it. */
type Heard = AuditUtterance & HeardUtterance;

export interface AudioFindings {
  findings: Finding[];
  /**
   * What there is to look for wrong labels in: without what is no speech, and with copies under one name as one session, so that they do
   * not vouch for each other.
   */
  utterances: AuditUtterance[];
  /** Utterances with an embedding of which nothing was measured. */
  unmeasured: number;
}

/**
 * What is wrong with the audio of a corpus, by what was measured of it: equal files, near copies, what is no speech, and doubts
 * about its quality.
 *
 * @throws `invalid` where none of what was measured belongs to any of the utterances
 */
export async function audioFindings(
  utterances: readonly AuditUtterance[],
  checks: readonly AudioChecks[],
  { abortSignal }: { abortSignal?: AbortSignal } = {},
): Promise<AudioFindings> {
  const byKey = new Map(checks.map((row) => [row.key, row]));
  if (utterances.length > 0 && !utterances.some(({ key }) => byKey.has(key)))
    throw invalid(
      `None of the ${quantity(utterances.length, "embedding")} has a key that is among those of the audio that was measured, such as ` +
        `"${utterances[0].key}". Give the checks of the same corpus.`,
      { got: utterances[0].key },
    );
  const heard = utterances
    .flatMap((utterance): Heard[] => {
      const measured = byKey.get(utterance.key);
      return measured !== undefined && isMeasured(measured) ? [{ ...utterance, checks: measured }] : [];
    })
    .sort((a, b) => compare(a.key, b.key));

  const known = new Set(utterances.map(({ key }) => key));
  // What has no embedding because there is nothing to embed in it belongs to the corpus as well.
  const empty = nonSpeech(checks.filter((row) => !isMeasured(row) || known.has(row.key)));
  const isNoSpeech = new Set(empty.flatMap(({ keys, probability }) => (probability >= 0.5 ? keys : [])));
  const spoken = heard.filter(({ key }) => !isNoSpeech.has(key));
  const equal = copyFindings("equalFiles", heard, equalFiles(heard));
  const near = copyFindings("nearCopies", spoken, await nearCopies(spoken, { abortSignal }));
  const doubts = [...severalVoices(spoken), ...qualityDoubts(spoken)];
  return {
    findings: [...equal, ...near, ...empty, ...doubts],
    utterances: withSessions(
      utterances.filter(({ key }) => !isNoSpeech.has(key)),
      [...equal, ...near],
    ),
    unmeasured: utterances.filter(({ key }) => !byKey.has(key)).length,
  };
}

/**
 * By how much the 0.4 s that sound most like speech do so. Fitted to generated clips (docs/audit.md): of speech hardly any stay
 * below 0.5, of noise, hum, tones and breath hardly any come above 0.4.
 */
const noSpeechOdds = ({ speechPeak }: MeasuredChecks): number => {
  const peak = Math.min(0.999, Math.max(0.001, speechPeak));
  return -2.5 * (Math.log(peak / (1 - peak)) + 0.7);
};

function nonSpeech(checks: readonly AudioChecks[]): Finding[] {
  return checks.flatMap((row): Finding[] => {
    const remedy = { action: "drop" } as const;
    if (!isMeasured(row))
      return [
        {
          kind: "nonSpeech",
          keys: [row.key],
          score: 40,
          probability: 1,
          evidence: { reason: row.failure, path: row.path },
          remedy,
        },
      ];
    const score = noSpeechOdds(row);
    const probability = sigmoid(score);
    if (probability < leastProbability) return [];
    const { key, path, speech, seconds, speechPeak, level } = row;
    const evidence = { secondsOfSpeech: speech, seconds, speechPeak, levelDb: level, path };
    return [{ kind: "nonSpeech", keys: [key], score, probability, evidence, remedy }];
  });
}

function copyFindings(
  kind: "equalFiles" | "nearCopies",
  rows: readonly Heard[],
  copies: readonly Copy[],
): Finding[] {
  const fit = fitOf(rows);
  return copies.map((copy) => {
    const [a, b] = [rows[copy.first], rows[copy.second]];
    const isOneName = nameOf(a) === nameOf(b);
    const kept = better(a, b, isOneName ? [0, 0] : [fit(copy.first), fit(copy.second)]);
    return {
      kind,
      keys: [a.key, b.key],
      score: copy.logOdds,
      probability: sigmoid(copy.logOdds),
      evidence: {
        correlation: copy.correlation,
        lagSeconds: copy.lag,
        secondsCompared: copy.overlap,
        seconds1: a.checks.seconds,
        seconds2: b.checks.seconds,
        speaker1: nameOf(a),
        speaker2: nameOf(b),
        path1: a.checks.path,
        path2: b.checks.path,
        listen: [a.key, b.key],
      },
      remedy: { action: "keepOne", to: kept.key },
    };
  });
}

/** The one that fits its name clearly better, else the longer one, the one of more bandwidth, less noise, higher level. */
function better(a: Heard, b: Heard, [fitA, fitB]: [number, number]): Heard {
  const [x, y] = [a.checks, b.checks];
  const differences = [
    [fitA - fitB, 0.1],
    [x.seconds - y.seconds, 0.1],
    [x.bandwidth - y.bandwidth, 500],
    [(x.snr ?? 0) - (y.snr ?? 0), 3],
    [x.level - y.level, 3],
  ];
  const [telling = 0] = differences.find(([difference, least]) => Math.abs(difference) >= least) ?? [];
  return telling < 0 ? b : a;
}

/** Cosine of an utterance to the mean of the others under its name; 0 where there is none. */
function fitOf(rows: readonly Heard[]): (row: number) => number {
  const members = groupBy(rows.keys(), (row) => nameOf(rows[row]));
  const unit = ({ embedding }: Heard) => unitVector(Float64Array.from(embedding));
  return (row) => {
    const name = nameOf(rows[row]);
    if (name === null) return 0;
    const own = unit(rows[row]);
    const others = new Float64Array(own.length);
    for (const other of members.get(name)!)
      if (other !== row) for (const [k, value] of unit(rows[other]).entries()) others[k] += value;
    const length = Math.sqrt(dot(others, 0, others, 0, own.length));
    return length > 1e-9 ? dot(others, 0, own, 0, own.length) / length : 0;
  };
}

/** Gives copies under one name one session. */
function withSessions(utterances: readonly AuditUtterance[], copies: readonly Finding[]): AuditUtterance[] {
  const held = copies.filter(({ probability }) => probability >= 0.5);
  const rootOf = joinedKeys(held);
  const isCopied = new Set(held.flatMap(({ keys }) => keys));
  const sessionOf = new Map(utterances.map(({ key, session }) => [key, session]));
  return utterances.map((utterance) => {
    if (!isCopied.has(utterance.key)) return utterance;
    const first = rootOf(utterance.key);
    return { ...utterance, session: sessionOf.get(first) ?? `copies of ${first}` };
  });
}
