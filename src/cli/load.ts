import { existsSync, readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Command } from "commander";
import { variability } from "../analysis/variability.js";
import { invalid, missing } from "../errors.js";
import { individualFolder } from "../merged/files.js";
import { nearestName } from "../shared/nearest-name.js";
import { quantity } from "../shared/text.js";
import { readIndividual } from "../store/read-embeddings.js";
import { compare } from "../util/compare.js";
import { inside } from "../util/inside.js";
import * as options from "./options.js";
import { printLine } from "./print.js";

interface LoadSettings {
  embeddingsDir: string;
  dataset?: string;
  speakerId?: string;
  utteranceId?: string;
  showStats?: boolean;
}

export function loadCommand(program: Command): void {
  program
    .command("load")
    .option("--embeddings-dir <folder>", "individual files", "final_embeddings/embeddings_individual")
    .option("--dataset <name>", "its speakers")
    .option("--speaker-id <name>", "its embedding and utterances; with --dataset")
    .option("--utterance-id <name>", "its embedding; with --speaker_id")
    .addOption(options.flag("show-stats", "statistics of the vectors").default(false))
    .action((settings: LoadSettings) => {
      for (const line of describe(settings)) printLine(line);
    });
}

/** What the folder holds under the given names, as lines. */
export function describe({
  embeddingsDir: given,
  dataset,
  speakerId,
  utteranceId,
  showStats = false,
}: LoadSettings): string[] {
  // The merged folder is what the other commands take.
  const embeddingsDir = [join(given, individualFolder), given].find((path) => existsSync(path)) ?? given;
  if (!existsSync(embeddingsDir))
    throw missing(
      `${embeddingsDir} does not exist. Give the embeddings_individual folder that \`speakerscope merge\` writes.`,
      { path: embeddingsDir },
    );
  if (speakerId !== undefined && dataset === undefined)
    throw invalid("--speaker_id needs --dataset, the data set that the speaker is in.", { got: speakerId });
  if (utteranceId !== undefined && speakerId === undefined)
    throw invalid("--utterance_id needs --speaker_id, the speaker that the utterance is of.", {
      got: utteranceId,
    });
  if (dataset === undefined) {
    const datasets = names(join(embeddingsDir, "utterances"));
    return [`${quantity(datasets.length, "data set")}: ${datasets.join(", ")}`];
  }
  if (speakerId === undefined) {
    const speakers = names(inside(embeddingsDir, "utterances", dataset));
    return [`data set ${dataset}: ${quantity(speakers.length, "speaker")}: ${speakers.join(", ")}`];
  }
  if (utteranceId !== undefined) {
    const { embedding, path } = readIndividual(embeddingsDir, { dataset, speakerId, utteranceId });
    return [
      `utterance ${utteranceId} of speaker ${speakerId}, data set ${dataset} (${path})`,
      ...vector(embedding, showStats),
    ];
  }
  // Without a speaker of that name this lists those that there are.
  if (!existsSync(inside(embeddingsDir, "speakers", dataset, `${speakerId}.pkl`)))
    names(inside(embeddingsDir, "utterances", dataset, speakerId));
  const speaker = readIndividual(embeddingsDir, { dataset, speakerId });
  // An utterance's name may hold folders, such as its session.
  const utterances = names(inside(embeddingsDir, "utterances", dataset, speakerId), true)
    .filter((name) => name.endsWith(".pkl"))
    .map((name) => name.slice(0, -".pkl".length));
  const lines = [
    `speaker ${speakerId}, data set ${dataset}: mean of ${quantity(speaker.numUtterances, "utterance")}`,
    ...vector(speaker.embedding, showStats),
    `utterances: ${utterances.join(", ")}`,
  ];
  return showStats ? [...lines, ...spread(embeddingsDir, dataset, speakerId, utterances)] : lines;
}

function vector(embedding: Float32Array, showStats: boolean): string[] {
  const head = Array.from(embedding.subarray(0, 6), (value) => value.toFixed(4)).join(", ");
  const lines = [`embedding: float32 (${embedding.length}): ${head}, ...`];
  if (!showStats) return lines;
  const mean = embedding.reduce((sum, value) => sum + value, 0) / embedding.length;
  const std = Math.sqrt(embedding.reduce((sum, value) => sum + (value - mean) ** 2, 0) / embedding.length);
  const range = `min ${Math.min(...embedding).toFixed(4)}, max ${Math.max(...embedding).toFixed(4)}`;
  return [
    ...lines,
    `statistics: mean ${mean.toFixed(4)}, std ${std.toFixed(4)}, ${range}, norm ${Math.hypot(...embedding).toFixed(4)}`,
  ];
}

/** How similar the utterances of a speaker are. */
function spread(folder: string, dataset: string, speakerId: string, utterances: readonly string[]): string[] {
  const rows = utterances
    .filter((utteranceId) =>
      existsSync(inside(folder, "utterances", dataset, speakerId, `${utteranceId}.pkl`)),
    )
    .map((utteranceId) => ({
      key: utteranceId,
      ...readIndividual(folder, { dataset, speakerId, utteranceId }),
    }));
  const [own] = variability(rows).speakers;
  if (own === undefined || Number.isNaN(own.mean))
    return ["similarity of its utterances: one utterance only"];
  const pairs = (rows.length * (rows.length - 1)) / 2;
  return [
    `similarity of its utterances: mean ${own.mean.toFixed(4)}, min ${own.min.toFixed(4)} over ${quantity(pairs, "pair")}`,
  ];
}

/** Says what is there instead. */
function notThere(folder: string): Error {
  const above = dirname(folder);
  const there = existsSync(above) ? readdirSync(above).map(String).sort(compare) : [];
  const meant = nearestName(basename(folder), there);
  const some =
    there.length > 20 ? `${there.slice(0, 20).join(", ")}, ... (${there.length})` : there.join(", ");
  return missing(
    `${folder} does not exist. ${meant === undefined ? "" : `Did you mean ${meant}? `}${above} has ${some || "nothing"}.`,
    { path: folder },
  );
}

const names = (folder: string, recursive = false): string[] => {
  if (!existsSync(folder)) throw notThere(folder);
  return readdirSync(folder, { recursive }).map(String).sort(compare);
};
