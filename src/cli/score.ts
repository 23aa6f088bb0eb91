import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import { readAuditUtterances } from "../audit/read-utterances.js";
import { conflict, invalid, stoppable } from "../errors.js";
import { mergedFiles } from "../merged/files.js";
import { namesNotFound } from "../scoring/find-embeddings.js";
import { makeTrials } from "../scoring/make-trials.js";
import { readScores, readTrials } from "../scoring/read-trials.js";
import { readCalibration, writeCalibration } from "../scoring/score-calibration.js";
import { type ScoreReport, scoreReport } from "../scoring/score-report.js";
import { scoreTrials } from "../scoring/score-trials.js";
import type { KeyedEmbedding, ScoredTrial, Trial } from "../scoring/trial.js";
import { writeScores } from "../scoring/write-scores.js";
import { quantity } from "../shared/text.js";
import { checkSameModel, readProvenance } from "../store/provenance.js";
import { readEmbeddings } from "../store/read-embeddings.js";
import { readVectors } from "../store/read-vectors.js";
import type { Matrix } from "../types.js";
import { speakerIdentity } from "../util/speaker-identity.js";
import { statsOf } from "../util/stats-of.js";
import { writeFile } from "../util/write-file.js";
import { type Together, writeTogether } from "../util/write-together.js";
import { interruptSignal } from "./interrupt.js";
import * as options from "./options.js";
import { openReporter, type Reporter } from "./reporter.js";

interface Settings {
  trials?: string;
  embeddings?: string;
  scores?: string;
  cohort?: string;
  topN?: number | "all";
  subtractMean?: boolean;
  calibration?: string;
  outputDir: string;
  resamples?: number;
  similarityBackend?: string;
}

/** Registers `speakerscope score`. */
export function scoreCommand(program: Command): void {
  program
    .command("score")
    .option(
      "--trials <file>",
      "a line for each: enroll test [target|nontarget|1|0], or 1|0 enroll test (default: drawn from the labels)",
    )
    .option(
      "--embeddings <path>",
      "a folder that merging wrote, or .npz, .parquet, .ark, .npy or a pickle with keys (default: final_embeddings)",
    )
    .option("--scores <file>", "measure these scores instead: enroll test score [label]")
    .option("--cohort <path>", "embeddings of other speakers: scores are normalised by them (AS-norm)")
    .option(
      "--top-n <n>",
      "how many of the cohort count for each: its nearest so many, or all (S-norm) (default: 300)",
      topN,
    )
    .addOption(options.flag("subtract-mean", "subtract the cohort's mean from every embedding"))
    .option("--calibration <file>", "what scores mean (default: learnt on the trials)")
    .option("--output-dir <folder>", "where scores.txt and score_report.json go", "scores")
    .option(
      "--resamples <n>",
      "of the bootstrap for the intervals; 0 for none (default: 500, fewer for many trials)",
      whole,
    )
    .addOption(options.similarityBackend())
    .action(async (settings: Settings) => {
      const reporter = openReporter();
      try {
        await run(settings, reporter);
      } finally {
        reporter.close();
      }
    });
}

async function run(settings: Settings, reporter: Reporter): Promise<void> {
  const abortSignal = interruptSignal();
  const onWait = (line: string) => reporter.log(line);
  await writeTogether(settings.outputDir, { purpose: "scoring", onWait, abortSignal }, (files) =>
    scoreInto(files, settings, { reporter, abortSignal }),
  );
}

interface Context {
  reporter: Reporter;
  abortSignal: AbortSignal;
}

async function scoreInto(files: Together, settings: Settings, context: Context): Promise<void> {
  const { reporter } = context;
  const { calibration: path, outputDir, resamples } = settings;
  const placeOf = (name: string) => files.at(join(outputDir, name));
  // Those of an earlier run, as far as they are not read in this.
  const old = ["scores.txt", "score_report.json", "calibration.json"]
    .map((name) => join(outputDir, name))
    .filter((own) => ![settings.scores, path, settings.trials].some((input) => isSameFile(own, input)));
  // What cannot be read is said before anything is computed.
  const calibration = path === undefined ? undefined : { line: readCalibration(path), from: path };
  const scored = await stoppable("Scoring", () => scoresOf(settings, context), "Nothing was written.");
  for (const doubt of doubtsOf(scored)) reporter.log(`Warning: ${doubt}`);
  if (settings.scores === undefined) await writeScores(placeOf("scores.txt"), scored);
  const unlabelled = scored.filter(({ isTarget }) => isTarget === undefined).length;
  if (unlabelled > 0) {
    if (settings.scores !== undefined)
      throw invalid(
        `${settings.scores} has no labels, so nothing can be measured. Give --trials with labels beside --scores.`,
        { path: settings.scores },
      );
    files.commit(old);
    reporter.log("The trials have no labels, so nothing is measured.");
    reporter.log(`Written to ${outputDir}: scores.txt`);
    return;
  }
  const { report, learnt } = scoreReport(scored, { calibration, resamples });
  await writeFile(placeOf("score_report.json"), `${JSON.stringify(report, null, 2)}\n`);
  if (learnt !== undefined) await writeCalibration(placeOf("calibration.json"), learnt);
  files.commit(old);
  for (const line of linesOf(report)) reporter.log(line);
  const written = [
    ...(settings.scores === undefined ? ["scores.txt"] : []),
    "score_report.json",
    ...(learnt === undefined ? [] : ["calibration.json"]),
  ];
  reporter.log(`Written to ${outputDir}: ${written.join(", ")}`);
}

function isSameFile(a: string, b: string | undefined): boolean {
  const [one, other] = [statsOf(a), b === undefined ? undefined : statsOf(b)];
  return one !== undefined && one.ino === other?.ino && one.dev === other.dev;
}

/** What of a list of trials makes the figures look better, or narrower, than they are. */
function* doubtsOf(trials: readonly ScoredTrial[]): Generator<string> {
  const itself = trials.filter(({ enroll, test }) => enroll === test).length;
  if (itself > 0)
    yield `in ${quantity(itself, "trial")} an utterance is held against itself, which is no test of a system. Take them out of the list.`;
  const pairs = new Set(
    trials.map(({ enroll, test }) => (enroll < test ? `${enroll}\n${test}` : `${test}\n${enroll}`)),
  );
  const again = trials.length - pairs.size;
  if (again > 0)
    yield `${quantity(again, "trial")} ${again === 1 ? "repeats another, and counts" : "repeat others, and count"} once more.`;
}

async function scoresOf(settings: Settings, { reporter, abortSignal }: Context): Promise<ScoredTrial[]> {
  const { trials: list, embeddings = "final_embeddings", scores, cohort, topN } = settings;
  const read = list === undefined ? undefined : readTrials(list);
  if (read !== undefined)
    reporter.log(`${quantity(read.trials.length, "trial")} in the order "${read.order}"`);
  if (scores !== undefined) {
    const forEmbeddings = Object.entries({ embeddings: settings.embeddings, cohort }).find(
      ([, value]) => value !== undefined,
    );
    if (forEmbeddings !== undefined)
      throw conflict(
        `--scores measures scores that are there already, --${forEmbeddings[0]} is for making them. Leave one of them out.`,
      );
    const measured = readScores(scores);
    if (read === undefined) return measured;
    const own = labelled(measured, read.trials, scores);
    const names = new Set(own.map(nameOf));
    const without = read.trials.filter((trial) => !names.has(nameOf(trial))).length;
    if (without > 0)
      reporter.log(
        `Warning: ${quantity(without, "trial")} of the list ${without === 1 ? "has" : "have"} no score in ${scores}, and ${without === 1 ? "is" : "are"} not measured.`,
      );
    return own;
  }
  if (cohort === undefined && (topN !== undefined || settings.subtractMean))
    throw invalid(
      `--${topN === undefined ? "subtract_mean" : "top_n"} needs --cohort, embeddings of other speakers.`,
    );
  const trials = read?.trials ?? (await drawnTrials(embeddings, reporter));
  const rows = await keyedRows(embeddings, trials, reporter);
  const warning = cohort && checkSameModel(readProvenance(embeddings), readProvenance(cohort));
  if (warning) reporter.log(`Warning: ${warning}`);
  const others = cohort === undefined ? undefined : await readVectors(cohort);
  if (others !== undefined && topN !== "all" && others.n < (topN ?? 300))
    throw invalid(
      `${cohort} has ${quantity(others.n, "embedding")}, and its ${topN ?? 300} nearest to each are to count${topN === undefined ? " (the default)" : ""}. Give --top_n ${others.n} or less, --top_n all, or a larger cohort.`,
      { path: cohort, got: others.n },
    );
  return scoreTrials(trials, rows, {
    ...(others === undefined
      ? {}
      : {
          cohort: others.rows,
          topN: topN === "all" ? undefined : (topN ?? 300),
          mean: settings.subtractMean ? ("cohort" as const) : undefined,
        }),
    backend: settings.similarityBackend,
    onProgress: (progress) => reporter.progress(progress),
    abortSignal,
  });
}

/** Where there is no list, the labels tell who is who. */
async function drawnTrials(embeddings: string, reporter: Reporter): Promise<Trial[]> {
  const utterances = await readAuditUtterances(embeddings);
  const trials = drawn();
  reporter.log(
    `${quantity(trials.length, "trial")} drawn from the labels, half of them of one speaker, within each data set (--trials takes a list)`,
  );
  return trials;

  function drawn(): Trial[] {
    try {
      return makeTrials(utterances).trials;
    } catch (cause) {
      throw invalid(
        `No trials can be drawn from the labels of ${embeddings}: within a data set that takes two speakers, one of them with two utterances, of different sessions where these are known. Give --trials.`,
        { path: embeddings, cause },
      );
    }
  }
}

/**
 * The embeddings under the names that trials call them by; rows without names go by their number. Of a merged folder they are
 * those of the utterances, and the speakers' for names that no utterance has.
 */
async function keyedRows(
  path: string,
  trials: readonly Trial[],
  reporter: Reporter,
): Promise<KeyedEmbedding[]> {
  const { rows, info } = await readVectors(path, { level: "utterance" });
  if (Array.isArray(rows)) {
    const utterances = rows as KeyedEmbedding[];
    const isMerged = existsSync(join(path, mergedFiles.speakers));
    const strangers = isMerged ? namesNotFound(trials, utterances) : new Set<string>();
    if (strangers.size === 0) return utterances;
    const speakers = (await readEmbeddings(path)).filter(({ key }) => strangers.has(key));
    const own = new Map(speakers.map((speaker) => [speaker.key, speakerIdentity(speaker)]));
    const ofUtterance = new Map(info.map((utterance) => [utterance.key, speakerIdentity(utterance)]));
    if (speakers.length > 0)
      reporter.log(
        `${quantity(speakers.length, "speaker")} in the trials: a speaker stands for the mean of its utterances`,
      );
    const within = trials.filter(
      ({ enroll, test }) =>
        (own.has(enroll) && own.get(enroll) === ofUtterance.get(test)) ||
        (own.has(test) && own.get(test) === ofUtterance.get(enroll)),
    ).length;
    if (within > 0)
      reporter.log(
        `Warning: in ${quantity(within, "trial")} an utterance is held against a mean that it is part of, which makes the score too high. Merge the utterances to enrol from into a folder of their own.`,
      );
    return [...utterances, ...speakers];
  }
  const { data, columns } = rows as Matrix;
  return info.map(({ key }, i) => ({ key, embedding: data.subarray(i * columns, (i + 1) * columns) }));
}

const nameOf = ({ enroll, test }: Trial): string => JSON.stringify([enroll, test]);

/** Scores with the labels of a list of trials. */
function labelled(
  scored: readonly ScoredTrial[],
  trials: readonly { enroll: string; test: string; isTarget?: boolean }[],
  path: string,
): ScoredTrial[] {
  const labels = new Map(trials.map((trial) => [nameOf(trial), trial.isTarget]));
  return scored.map((trial) => {
    const name = nameOf(trial);
    if (!labels.has(name))
      throw invalid(
        `${path} scores ${trial.enroll} against ${trial.test}, which is not in the list of trials.`,
        {
          path,
        },
      );
    return { ...trial, isTarget: labels.get(name) };
  });
}

function* linesOf(report: ScoreReport): Generator<string> {
  const { intervals, calibration } = report;
  const within = (interval: [number, number] | null | undefined, show: (value: number) => string) =>
    interval ? ` (95 %: ${show(interval[0])} to ${show(interval[1])})` : "";
  const percent = (value: number) => `${(100 * value).toFixed(2)} %`;
  const number = (value: number) => value.toFixed(4);
  yield `${report.targets} target and ${report.non_targets} non-target trials${intervals ? ` of ${quantity(intervals.speakers, "speaker")}` : ""}`;
  yield `EER ${percent(report.eer)}${within(intervals?.eer, percent)} at ${number(report.eer_threshold)}`;
  for (const [p, cost] of Object.entries(report.min_dcf))
    yield `minDCF(${p}) ${number(cost)}${within(intervals?.min_dcf[p], number)}${report.act_dcf ? `, actDCF ${number(report.act_dcf[p])}` : ""}`;
  yield `AUC ${number(report.auc)}, minCllr ${number(report.min_cllr)}${report.cllr === null ? "" : `, Cllr ${number(report.cllr)}${within(intervals?.cllr, number)}`}`;
  yield calibration
    ? `Calibration: log-likelihood ratio = ${calibration.scale.toFixed(4)} x score ${calibration.offset < 0 ? "-" : "+"} ${Math.abs(calibration.offset).toFixed(4)}, from ${calibration.from}`
    : `No calibration: ${report.calibration_missing}`;
  if (report.cross_validated) yield `Cross-validated by speaker: Cllr ${number(report.cross_validated.cllr)}`;
  if (intervals === null) yield "No intervals: too few speakers, or none asked for";
}

function topN(text: string): number | "all" {
  return text === "all" ? "all" : options.positiveInteger("top n")(text);
}

function whole(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError("must be a whole number, 0 or more");
  return Number(text);
}
