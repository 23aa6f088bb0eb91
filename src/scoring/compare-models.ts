import { createHash } from "node:crypto";
import { join } from "node:path";
import type { Corpus } from "../corpus/corpus.js";
import { loadUtterance } from "../corpus/load-utterance.js";
import { scan } from "../corpus/scan.js";
import { embedFeatures } from "../embed/embed.js";
import { identifyModel, type ModelOptions, openModel } from "../embed/open-model.js";
import { conflict, invalid } from "../errors.js";
import { type ExtractOptions, extract } from "../extract/extract.js";
import { thereAre } from "../shared/text.js";
import { embeddedNames, embeddedUtterances, readCorpusLists, readExtraction } from "../store/extraction.js";
import type { Utterance } from "../types.js";
import { makeTrials } from "./make-trials.js";
import { type MeasuresOptions, measures } from "./measures.js";
import {
  type ComparedModel,
  type Disagreement,
  type ModelComparison,
  showModels,
} from "./model-comparison.js";
import { scoreTrials } from "./score-trials.js";
import type { KeyedEmbedding, ScoredTrial, Trial } from "./trial.js";

export type { ComparedModel, Disagreement, ModelComparison };

export interface CompareModelsOptions
  extends Omit<ExtractOptions, keyof ModelOptions | "outputDir" | "shard">,
    Pick<MeasuresOptions, "resamples" | "seed"> {
  /** Folder of the extractions, one below it for each model; `models_compared` by default. */
  outputDir?: string;
  /** Where the models run; as for `extract`. */
  device?: string;
  /** Trials of keys; by default `makeTrials` makes them of the utterances that all models embedded. */
  trials?: readonly Trial[];
  /** Of the trials that are made: target trials for each speaker; 50. */
  perSpeaker?: number;
  /** Utterances whose embedding is timed; 8. */
  timed?: number;
}

/**
 * Puts models side by side on the same trials of a corpus: how many errors each makes, with what certainty, how fast it is,
 * and on which pairs they disagree.
 *
 * Each model embeds the corpus into a folder of its own, as `extract` does: what is there is not done again. The intervals of
 * two models overlap easily where a corpus has few speakers; then it does not tell which one is better.
 *
 * @param models names of bundled models, paths, or options of `openModel`
 * @param corpus with known speakers; a folder as for `extract`
 * @throws `invalid` for fewer than two models or a corpus without target trials, `conflict` for two models of one name; and what
 *   `extract` throws
 * @example
 * const studio = { ...corpus, utterances: corpus.utterances.filter(({ dataset }) => dataset === "studio") };
 * const { models, scores } = await compareModels(["campplus", "ge2e"], studio, { outputDir: "models" });
 * detPlot(Object.fromEntries(Object.entries(scores).map(([name, trials]) => [name, detCurve(trials)])))
 */
export async function compareModels(
  models: readonly (string | ModelOptions)[],
  corpus: Corpus | string,
  options: CompareModelsOptions = {},
): Promise<ModelComparison> {
  const {
    outputDir = "models_compared",
    trials: given,
    perSpeaker,
    timed = 8,
    resamples,
    seed,
    ...task
  } = options;
  const all = named(models);
  const list = typeof corpus === "string" ? await scan(corpus, task) : corpus;
  const embedded: Embedded[] = [];
  for (const { name, digest, model } of all) {
    const folder = join(outputDir, `${name.replace(/[^\w.-]+/g, "_")}-${digest}`);
    await extract(list, { ...task, ...model, outputDir: folder });
    embedded.push(await readEmbedded(folder));
  }
  const utterances = embedded[0]!.utterances.filter(({ key }) => embedded.every(({ rows }) => rows.has(key)));
  const trials = given ?? makeTrials(utterances, { perSpeaker, seed }).trials;

  const rows: ComparedModel[] = [];
  const scores: Record<string, ScoredTrial[]> = {};
  let speakers = 0;
  for (const [i, { name, model, dimension }] of all.entries()) {
    const own = embedded[i]!;
    const scored = await scoreTrials(trials, [...own.rows.values()]);
    scores[name] = scored;
    const { eer, eerThreshold, dcf, intervals } = measures(scored, {
      costs: [{ pTarget: 0.01 }],
      ...(resamples === undefined ? {} : { resamples }),
      ...(seed === undefined ? {} : { seed }),
    });
    speakers = intervals?.speakers ?? speakers;
    rows.push({
      model: name,
      dimension,
      eer,
      eerInterval: intervals?.eer ?? null,
      eerThreshold,
      minDcf: dcf[0]!.minDcf,
      cpuMs: await cpuMs(model, utterances.slice(0, timed), task.channel),
      failed: own.failed,
    });
  }
  const disagreements = disagreementsOf(rows, scores);
  return showModels({
    models: rows,
    scores,
    disagreements,
    utterances,
    summary: {
      utterances: utterances.length,
      trials: trials.length,
      targets: trials.filter(({ isTarget }) => isTarget).length,
      speakers,
      disagreements: disagreements.length,
    },
  });
}

interface NamedModel {
  name: string;
  /** Of all that its embeddings depend on. */
  digest: string;
  dimension: number;
  model: ModelOptions;
}

function named(models: readonly (string | ModelOptions)[]): NamedModel[] {
  if (models.length < 2)
    throw invalid(`${thereAre(models.length, "model")}. Give two or more to compare.`, {
      got: models.length,
    });
  const all = models.map((given) => {
    const model = typeof given === "string" ? { modelPath: given } : given;
    const { identity } = identifyModel(model);
    const { name, precision, dimension } = identity;
    const digest = createHash("sha256").update(JSON.stringify(identity)).digest("hex").slice(0, 8);
    return { name: precision === "fp32" ? name : `${name} ${precision}`, digest, dimension, model };
  });
  for (const [i, { name }] of all.entries())
    if (all.findIndex((other) => other.name === name) < i)
      throw conflict(
        `Two of the models are called ${name}. Give one of them another name: { modelPath, config: { name } }.`,
        { got: name },
      );
  return all;
}

interface Embedded {
  utterances: Utterance[];
  rows: Map<string, KeyedEmbedding>;
  failed: number;
}

async function readEmbedded(folder: string): Promise<Embedded> {
  const lists = (await readCorpusLists(folder))!;
  const extraction = await readExtraction(folder, lists);
  const rows = new Map<string, KeyedEmbedding>();
  for await (const { key, embedding } of embeddedUtterances(extraction)) rows.set(key, { key, embedding });
  const utterances = [...embeddedNames(extraction)];
  return {
    utterances,
    rows,
    failed: lists.utterances.length + lists.failures.length - utterances.length,
  };
}

/** CPU time for a second of audio, in milliseconds. */
async function cpuMs(
  options: ModelOptions,
  utterances: readonly Utterance[],
  channel: ExtractOptions["channel"],
): Promise<number> {
  const model = await openModel({ ...options, device: "cpu", threads: 1 });
  try {
    const signals: Float32Array[] = [];
    for (const utterance of utterances) {
      const own = utterance.channel ?? channel;
      const loading = loadUtterance(utterance, {
        sampleRate: model.sampleRate,
        ...(own === undefined ? {} : { channel: own }),
      });
      const { samples } = await loading;
      // Longer ones would have to be cut into pieces.
      signals.push(samples.subarray(0, (model.maxSeconds ?? 30) * model.sampleRate));
    }
    const fit = signals.filter(({ length }) => length >= model.minSamples);
    const embedEach = async (some: readonly Float32Array[]) => {
      for (const samples of some) await embedFeatures([model.features(samples)], model);
    };
    // The first run of a graph plans its memory.
    await embedEach(fit.slice(0, 1));
    const before = process.cpuUsage();
    await embedEach(fit);
    const { user, system } = process.cpuUsage(before);
    const seconds = fit.reduce((sum, { length }) => sum + length, 0) / model.sampleRate;
    return (user + system) / 1000 / seconds;
  } finally {
    await model.close();
  }
}

function disagreementsOf(
  models: readonly ComparedModel[],
  scores: Readonly<Record<string, readonly ScoredTrial[]>>,
): Disagreement[] {
  const scales = models.map(({ model, eerThreshold }) => {
    const trials = scores[model]!;
    const mean = (isTarget: boolean) => {
      const some = trials.filter((trial) => trial.isTarget === isTarget);
      return some.reduce((sum, { score }) => sum + score, 0) / some.length;
    };
    return { model, trials, eerThreshold, unit: mean(true) - mean(false) };
  });
  return scales[0]!.trials
    .map(({ enroll, test, isTarget = false }, t): Disagreement => {
      const margins = scales.map(
        ({ trials, eerThreshold, unit }) => (trials[t]!.score - eerThreshold) / unit,
      );
      const isRight = (margin: number) => margin >= 0 === isTarget;
      const those = (want: boolean) =>
        scales.flatMap(({ model }, i) => (isRight(margins[i]!) === want ? [model] : []));
      return {
        enroll,
        test,
        isTarget,
        right: those(true),
        wrong: those(false),
        scores: Object.fromEntries(scales.map(({ model, trials }) => [model, trials[t]!.score])),
        distance: Math.max(...margins) - Math.min(...margins),
      };
    })
    .filter(({ right, wrong }) => right.length > 0 && wrong.length > 0)
    .sort((a, b) => b.distance - a.distance);
}
