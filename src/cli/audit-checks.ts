import { existsSync } from "node:fs";
import { join } from "node:path";
import type { AuditUtterance } from "../audit/audit-corpus.js";
import type { AudioChecks } from "../checks/audio-checks.js";
import { checkAudio } from "../checks/check-audio.js";
import { checksFile, readChecks } from "../checks/checks-file.js";
import { openModel } from "../embed/open-model.js";
import { missing } from "../errors.js";
import { type CorpusSettings, checkCorpusSettings, openCorpus } from "../pipeline/open-corpus.js";
import { withKnownKeys } from "../pipeline/with-known-keys.js";
import { quantity } from "../shared/text.js";
import type { Utterance } from "../types.js";
import { openReporter } from "./reporter.js";

/**
 * What is known of the audio: what the extraction measured, or else what is measured now, where a corpus is named; undefined where
 * there is neither. With it where the utterances are, to be heard.
 */
export async function auditChecks(
  embeddings: string,
  utterances: readonly AuditUtterance[],
  {
    severalVoices,
    log,
    ...settings
  }: CorpusSettings & { severalVoices?: boolean; log: (line: string) => void },
): Promise<{ checks?: AudioChecks[]; sources?: Utterance[] }> {
  if (!severalVoices && existsSync(join(embeddings, checksFile))) {
    const unused = settings.dataRoot ? "--data_root" : settings.manifest ? "--manifest" : undefined;
    if (unused !== undefined)
      log(
        `Note: the audio was measured when it was embedded (${join(embeddings, checksFile)}), so ${unused} is not read.`,
      );
    return { checks: await readChecks(embeddings) };
  }
  if (!settings.dataRoot && !settings.manifest) {
    if (severalVoices)
      throw missing("--several_voices needs the audio. Give --data_root FOLDER, or --manifest FILE.");
    return {};
  }
  checkCorpusSettings(settings);
  const reporter = openReporter();
  try {
    const onProgress = reporter.progress.bind(reporter);
    const corpus = await openCorpus({ ...settings, onProgress });
    const listed = withKnownKeys(corpus.utterances, new Set(utterances.map(({ key }) => key)));
    const { abortSignal } = settings;
    const voices = severalVoices ? await openModel({ device: "cpu" }) : undefined;
    const { checks, failures } = await checkAudio(listed, { voices, onProgress, abortSignal });
    await voices?.close();
    if (failures.length > 0)
      reporter.log(
        `Warning: ${failures.length} of ${quantity(listed.length, "file")} could not be read. The first, ${failures[0].path}: ${failures[0].reason}`,
      );
    return { checks, sources: listed };
  } finally {
    reporter.close();
  }
}
