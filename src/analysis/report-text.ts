import { printable } from "../shared/printable.js";
import { quantity, thresholdText, whole } from "../shared/text.js";
import { textTable } from "../shared/text-table.js";
import type { Analysis } from "./analyze.js";
import type { MeasuredThreshold } from "./measured-threshold.js";
import type { PairRow } from "./pair-table.js";

/** Longer lists are cut, with a line that says how many more there are. */
const longestList = 20;

/**
 * The report on a comparison of speakers as plain text of at most 100 columns.
 *
 * @param csvPath where the table of all pairs was written, named at the end; default: not mentioned
 * @example
 * console.log(reportText(analyze({ speakers, ...result, pairs })));
 */
export function reportText(analysis: Analysis, { csvPath }: { csvPath?: string } = {}): string {
  const { summary, statistics, duplicates, leakage, top, info } = analysis;
  const lines = [
    "SPEAKER SIMILARITY",
    "",
    `${quantity(summary.speakers, "speaker")}, ${quantity(summary.utterances, "utterance")}, ${quantity(summary.datasets, "data set")}; ${quantity(summary.totalPairs, "pair")} of speakers`,
  ];
  if (summary.datasets > 0) lines.push("", ...datasetLines(analysis));
  if (summary.totalPairs > 0) {
    const { mean, std, min, median, max } = statistics;
    lines.push(
      "",
      "Similarity of all pairs (cosine)",
      `  mean ${four(mean)}   std ${four(std)}   min ${four(min)}   median ${four(median)}   max ${four(max)}`,
      "",
      ...bandLines(analysis),
    );
  }
  lines.push("", ...listing(analysis));

  const { measured } = info;
  const judged = measured && `${thresholdText(measured.threshold)} or more`;
  lines.push(
    "",
    `Likely duplicates (${judged === undefined ? "above 0.95" : `within a data set, ${judged}`}): ${quantity(summary.duplicates, "pair")}`,
  );
  if (summary.duplicates > 0) {
    lines.push(
      "  One person under two names, or one person recorded twice: listen to both before you merge them.",
      ...pairLines(duplicates),
    );
    if (duplicates.length < summary.duplicates)
      lines.push(`  ${whole(summary.duplicates - duplicates.length)} of them are not in the list of pairs.`);
  }

  const from = `${thresholdText(info.minSimilarity)} or more`;
  lines.push(
    "",
    `Possible leakage (pairs across data sets, ${judged ?? from}): ${quantity(leakage.length, "pair")}`,
  );
  if (leakage.length > 0)
    lines.push(
      "  A person in two data sets: keep both on the same side of a split into training and test.",
      ...pairLines(leakage),
    );

  lines.push("", `Most similar pairs${top.length > 0 ? ` (${from})` : `: none at ${from}`}`);
  if (top.length > 0) lines.push(...pairLines(top, Infinity));
  if (csvPath !== undefined)
    lines.push(
      "",
      `Table of ${analysis.pairs.length === 1 ? "the 1 pair" : `all ${whole(analysis.pairs.length)} listed pairs`}: ${printable(csvPath)}`,
    );
  return `${lines.join("\n")}\n`;
}

function datasetLines({ datasets }: Analysis): string[] {
  return textTable(
    [
      { heading: "data set", maxWidth: 40 },
      { heading: "speakers", align: "right" },
      { heading: "utterances", align: "right" },
      { heading: "pairs within", align: "right" },
      { heading: "listed", align: "right" },
      { heading: "their mean", align: "right" },
    ],
    datasets.map(({ dataset, speakers, utterances, pairs, meanSimilarity }) => [
      dataset,
      whole(speakers),
      whole(utterances),
      whole((speakers * (speakers - 1)) / 2),
      whole(pairs),
      Number.isNaN(meanSimilarity) ? "-" : four(meanSimilarity),
    ]),
  );
}

function bandLines({ bands }: Analysis): string[] {
  const table = textTable(
    [
      { heading: "similarity" },
      { heading: "band" },
      { heading: "pairs", align: "right" },
      { heading: "share", align: "right" },
      { heading: "what it may mean" },
    ],
    bands.map(({ range, name, pairs, share, meaning }) => [
      range,
      name,
      whole(pairs),
      share > 0 && share < 5e-5 ? "< 0.01 %" : `${(100 * share).toFixed(2)} %`,
      meaning,
    ]),
  );
  return [
    ...table,
    "  The bands are those of the original Python pipeline, the same for every corpus and model.",
  ];
}

function listing({ summary, info: { threshold, minSimilarity, measured } }: Analysis): string[] {
  const { highPairs, listedPairs, betweenThresholds = 0 } = summary;
  const high = `High similarity (${thresholdText(threshold)} or more): ${quantity(highPairs, "pair")}`;
  const which = minSimilarity > threshold ? `at ${thresholdText(minSimilarity)} or more` : "most similar";
  const lines = [
    listedPairs < highPairs ? `${high}, of which the ${whole(listedPairs)} ${which} are listed` : high,
  ];
  if (measured === undefined) return lines;
  const { eer, targetPairs, nonTargetPairs, asLabelled } = measured;
  return [
    ...lines,
    `The labels of this corpus give ${thresholdText(measured.threshold)}: ${quantity(betweenThresholds, "pair")} between the two`,
    `  There the equal error rate is ${(100 * eer).toFixed(2)} %, over ${quantity(targetPairs, "pair")} of utterances of one speaker`,
    `  and ${whole(nonTargetPairs)} of two. Duplicates and leakage are judged by it; --similarity_threshold eer lists by it.`,
    ...(asLabelled === undefined ? [] : [withoutDoubts(asLabelled)]),
    "  Means of several utterances score higher than single ones, so listen to pairs near it.",
  ];
}

function withoutDoubts({ threshold, eer, leftOut }: NonNullable<MeasuredThreshold["asLabelled"]>): string {
  const raw =
    eer === undefined || threshold === undefined
      ? "give none"
      : `have ${(100 * eer).toFixed(2)} % at ${thresholdText(threshold)}`;
  return `  It leaves out what the audit found (${quantity(leftOut, "utterance")}); the labels as they are ${raw}.`;
}

function pairLines(pairs: readonly PairRow[], limit = longestList): string[] {
  const shown = pairs.slice(0, limit);
  const name = (dataset: string, id: string, utterances: number) => `${dataset}/${id} (${utterances})`;
  const lines = textTable(
    [
      { heading: "", align: "right" },
      { heading: "cosine", align: "right" },
      { heading: "speaker (utterances)", maxWidth: 36 },
      { heading: "speaker (utterances)", maxWidth: 36 },
      { heading: "data sets" },
    ],
    shown.map((row, i) => [
      String(i + 1),
      four(row.similarity),
      name(row.speaker1Dataset, row.speaker1Id, row.speaker1Utterances),
      name(row.speaker2Dataset, row.speaker2Id, row.speaker2Utterances),
      row.sameDataset ? "same" : "two",
    ]),
  );
  return shown.length < pairs.length ? [...lines, `  and ${whole(pairs.length - shown.length)} more`] : lines;
}

const four = (x: number) => x.toFixed(4);
