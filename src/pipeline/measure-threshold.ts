import { existsSync } from "node:fs";
import { join } from "node:path";
import type { MeasuredThreshold } from "../analysis/measured-threshold.js";
import { auditedThreshold, movingFindings } from "../audit/audited-threshold.js";
import type { Finding } from "../audit/finding.js";
import { invalid, missing } from "../errors.js";
import { mergedFiles } from "../merged/files.js";
import { embeddingEntries, utteranceRow } from "../store/read-embeddings.js";
import type { SpeakerInfo, UtteranceEmbedding } from "../types.js";
import { speakerIdentity } from "../util/speaker-identity.js";

/** Of a larger corpus, a part of the speakers is read: about this many utterances. */
const mostUtterances = 100_000;

/**
 * The threshold that the labels of a folder of embeddings give, measured on its utterances; undefined when there are none, or
 * their labels give none.
 *
 * @param findings of an audit: it is measured without them, and `asLabelled` says what the labels as they are give
 */
export async function measureThreshold(
  folder: string,
  speakers: readonly SpeakerInfo[],
  findings: readonly Finding[] = [],
): Promise<MeasuredThreshold | undefined> {
  const path = join(folder, mergedFiles.utterances);
  if (!existsSync(path)) return undefined;
  const total = speakers.reduce((sum, { numUtterances }) => sum + numUtterances, 0);
  const step = Math.ceil(total / mostUtterances);
  const wanted = step > 1 && new Set(speakers.filter((_, i) => i % step === 0).map(speakerIdentity));
  const utterances: UtteranceEmbedding[] = [];
  for await (const [key, value] of embeddingEntries(path)) {
    const utterance = utteranceRow(key, value, path);
    if (utterance.speakerId === null) continue;
    if (!wanted || wanted.has(speakerIdentity(utterance))) utterances.push(utterance);
  }
  return auditedThreshold(utterances, movingFindings(findings));
}

/** A threshold as a number; `eer` is measured in a folder. @throws `missing` or `invalid` when it cannot be */
export async function thresholdIn(
  folder: string,
  threshold: number | "eer",
  speakers: readonly SpeakerInfo[],
  findings: readonly Finding[] = [],
): Promise<number> {
  if (threshold !== "eer") return threshold;
  if (!existsSync(join(folder, mergedFiles.utterances)))
    throw missing(
      `The threshold eer is measured on labelled utterances, and ${folder} has no ${mergedFiles.utterances}. Give a number instead.`,
      { path: folder },
    );
  const measured = await measureThreshold(folder, speakers, findings);
  if (measured === undefined)
    throw invalid(
      `The labels in ${folder} give no threshold eer: it needs two speakers, five pairs of utterances of one speaker, and an equal error rate of at most 30 %. Give a number instead.`,
      { path: folder, got: threshold },
    );
  return measured.threshold;
}
