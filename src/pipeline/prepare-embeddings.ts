import { extract } from "../extract/extract.js";
import { quantity } from "../shared/text.js";
import { readEmbeddings } from "../store/read-embeddings.js";
import type { SpeakerEmbedding, UtteranceEmbedding } from "../types.js";
import { mergeStage } from "./merge-stage.js";
import { openCorpus } from "./open-corpus.js";
import type { Workspace } from "./open-workspace.js";
import type { StageContext } from "./stage.js";

/**
 * The embeddings of a workspace's corpus. Those that an earlier notebook made are reused; missing and changed ones are made.
 *
 * @throws what `scan`, `extract` and `merge` throw
 *
 * @example
 * const { speakers, utterances } = await prepareEmbeddings(workspace, { reporter: console });
 */
export async function prepareEmbeddings(
  workspace: Workspace,
  context: StageContext,
): Promise<{ speakers: SpeakerEmbedding[]; utterances: UtteranceEmbedding[] }> {
  const { reporter, abortSignal } = context;
  const { outputDir, finalDir, stagesFile } = workspace;
  const corpus = await openCorpus({ ...workspace, abortSignal });
  const { embedded, resumed, total, failures } = await extract(corpus, {
    ...workspace,
    onProgress: reporter.progress?.bind(reporter),
    abortSignal,
  });
  const what = `${embedded} of ${quantity(total, "file")}`;
  const failed = failures.length > 0 ? `; ${failures.length} failed, notebook 1 lists them` : "";
  reporter.log(
    `${resumed === corpus.utterances.length ? "Unchanged:" : "Embedded"} ${what} in ${outputDir}${failed}`,
  );
  const { speakers } = await mergeStage({ inputDir: outputDir, outputDir: finalDir, stagesFile }, context);
  return { speakers, utterances: await readEmbeddings(finalDir, { level: "utterance" }) };
}
