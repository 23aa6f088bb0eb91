import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { movingFindings } from "../audit/audited-threshold.js";
import { invalid, missing } from "../errors.js";
import { individualFolder, mergedFiles, pictureFiles, tableFile } from "../merged/files.js";
import { readSpeakerList } from "../merged/read-speaker-list.js";
import { auditFolder, auditStage } from "./audit-stage.js";
import { type CleanSettings, cleanStage } from "./clean-stage.js";
import { compareSpeakers } from "./compare-speakers.js";
import { inShell } from "./corpus-flags.js";
import { type ExtractSettings, extractStage } from "./extract-stage.js";
import { mergeStage } from "./merge-stage.js";
import { reportStage } from "./report-stage.js";
import type { StageContext } from "./stage.js";

export interface PipelineSettings extends ExtractSettings {
  /** Folder of the merged files; default `final_embeddings`. */
  finalDir?: string;
  mergeIndividual?: boolean;
  partial?: boolean;
  minSimilarity?: number;
  maxResults?: number;
  outputCsv?: string;
  /** Look for what is wrong with the labels in stage 3; default true. */
  audit?: boolean;
  /** First and last stage, default 1 and 3 (or the first, where that is 4): 1 extract, 2 merge and compare, 3 report, 4 clean up. */
  stage?: number;
  stopStage?: number;
  /** Asks the user before stage 4 deletes; default: nothing is deleted. */
  confirm?: CleanSettings["confirm"];
}

/**
 * Runs the stages in a row, each from the files of the one before: 1 extract, 2 merge and compare, 3 report, 4 clean up.
 *
 * @throws `invalid` when the last stage comes before the first, `missing` when stage 1 has no corpus; and what the stages
 * throw
 * @example
 * await runPipeline({ dataRoot: "data/speech", finalDir: "final_embeddings" }, { reporter: { log: console.log } });
 */
export async function runPipeline(settings: PipelineSettings, context: StageContext): Promise<void> {
  const {
    stage = 1,
    stopStage = Math.max(3, stage),
    finalDir = "final_embeddings",
    computeSimilarity = true,
  } = settings;
  const { saveIndividual = true, mergeIndividual = true } = settings;
  if (stage > stopStage)
    throw invalid(
      `The last stage, ${stopStage}, comes before the first, ${stage}. Give --stop_stage ${stage} or later.`,
      { got: stopStage },
    );
  const runs = (number: number) => stage <= number && number <= stopStage;
  const begin = (number: number, what: string) => context.reporter.log(`Stage ${number}: ${what}`);
  if (runs(1)) {
    if (!settings.dataRoot && !settings.manifest)
      throw missing(
        "Stage 1 needs a corpus. Give --data_root or --manifest, or --stage 2 to go on from what was extracted.",
      );
    begin(1, "extracting embeddings");
    // Similarity belongs to stage 2 here: a rank sees only a part of the speakers.
    await extractStage({ ...settings, saveIndividual, computeSimilarity: false }, context);
  }
  if (runs(2)) {
    begin(2, computeSimilarity ? "merging and comparing the speakers" : "merging");
    await mergeStage(
      { ...settings, inputDir: settings.outputDir, outputDir: finalDir, mergeIndividual, computeSimilarity },
      context,
    );
  }
  if (runs(3)) {
    begin(3, "report");
    const audited = settings.audit === false ? undefined : await auditStage(finalDir, settings, context);
    const findings = audited?.findings;
    if (computeSimilarity) {
      const { threshold, backend } = settings;
      // Stage 2 was not asked for, but a threshold was; or the labels that it was measured on are doubted now.
      const isMoved = threshold === "eer" && movingFindings(findings ?? []).length > 0;
      if (threshold !== undefined && (!runs(2) || isMoved))
        await compareSpeakers(finalDir, { threshold, backend, findings }, context);
      await reportStage({ ...settings, resultsDir: finalDir, findings }, context);
    } else
      context.reporter.log(
        "No similarity was computed (--compute_similarity), so there is nothing to report",
      );
  }
  if (runs(2) || runs(3))
    for (const line of whatNext(finalDir, settings.threshold === "eer")) context.reporter.log(line);
  if (runs(4)) {
    begin(4, "cleaning up");
    const refuse = async () => false;
    await cleanStage(
      { outputDir: settings.outputDir, finalDir, confirm: settings.confirm ?? refuse },
      context,
    );
  }
}

/** Where the results are, and what to do with them. */
function* whatNext(folder: string, isMeasured: boolean): Generator<string> {
  const isThere = (name: string) => existsSync(join(folder, name));
  const { overview, heatmap, subset } = pictureFiles;
  const pictures = [heatmap, subset, overview].filter(isThere);
  yield `Results: ${folder}`;
  if (pictures.length > 0) yield `  ${pictures.join(", ")}: pictures to open`;
  const page = join(auditFolder, "page", "index.html");
  if (isThere(auditFolder)) yield `  ${auditFolder}: what is wrong with the labels, to look at and decide`;
  if (isThere(tableFile)) yield `  ${tableFile}: the pairs as a table`;
  yield "  *.pkl, *.json, *.npy: for Python (docs/files.md shows how to load them)";
  if (isThere(mergedFiles.failures) && statSync(join(folder, mergedFiles.failures)).size > 0)
    yield `  ${mergedFiles.failures}: files that were not embedded, with the reasons`;
  const option = (name: string, path: string, usual: string) =>
    path === usual ? "" : ` --${name} ${inShell(path)}`;
  if (isThere(individualFolder)) {
    const path = join(folder, individualFolder);
    const where = option("embeddings_dir", path, join("final_embeddings", individualFolder));
    yield `  ${individualFolder}: a file for each utterance and speaker; speakerscope load${where} shows them`;
  }
  const finalDir = option("final_dir", folder, "final_embeddings");
  if (isThere(page)) yield `Next: listen and decide in a browser: ${join(folder, page)}`;
  else if (pictures.length > 0) yield "Next: listen to the pairs in a notebook (docs/kernel.md)";
  else if (isThere(mergedFiles.speakerList) && readSpeakerList(folder).length === 0)
    yield `Next: find out who speaks: npx speakerscope cluster${option("embeddings", folder, "final_embeddings")}`;
  if (pictures.length > 0 && !isMeasured)
    yield `The pairs by the threshold that the labels give: npx speakerscope run --stage 3${finalDir} --similarity_threshold eer`;
}
