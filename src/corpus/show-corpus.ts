import { duration, quantity } from "../shared/text.js";
import { failureTable } from "../show/failure-table.js";
import { showAs, showRows } from "../show/show-as.js";
import type { View } from "../show/view.js";
import type { Corpus } from "./corpus.js";
import { layout } from "./layout.js";

const mostWarnings = 4;

/** Makes a corpus show itself: data sets, speakers, hours where they are known, warnings. */
export function showCorpus(corpus: Corpus): Corpus {
  showRows(corpus.utterances, "utterance");
  showRows(corpus.failures, "failure");
  return showAs(corpus, corpusView);
}

function corpusView({ root, utterances, failures, warnings, manifest }: Corpus): View {
  const noun = utterances.some(({ span }) => span !== undefined) ? "utterance" : "recording";
  const datasets = layout({ utterances });
  const seconds = secondsOf(utterances);
  const unknown = utterances.filter(({ speakerId }) => speakerId === null).length;
  const facts = [
    quantity(
      datasets.reduce((sum, { speakers }) => sum + speakers, 0),
      "speaker",
    ),
    quantity(datasets.length, "data set"),
    ...(seconds.size === 0 ? [] : [duration([...seconds.values()].reduce((sum, value) => sum + value, 0))]),
  ];
  return {
    title: `${quantity(utterances.length, noun)} in ${root}: ${facts.join(", ")}`,
    parts: [
      manifest === undefined ? "" : `Listed in ${manifest.path} (${manifest.format})`,
      ...warnings.slice(0, mostWarnings).map((warning) => `Warning: ${warning}`),
      warnings.length > mostWarnings ? `${warnings.length - mostWarnings} more in .warnings` : "",
      unknown === 0 ? "" : `${quantity(unknown, noun)} of unknown speakers`,
      {
        rows: datasets.map(({ dataset, speakers, files, bytes }) => ({
          "data set": dataset,
          speakers,
          [`${noun}s`]: files,
          ...(seconds.size === 0 ? {} : { length: duration(seconds.get(dataset) ?? 0) }),
          size: `${(bytes / 1e6).toFixed(1)} MB`,
        })),
        noun: "data sets",
        most: 8,
      },
      failures.length === 0 ? "" : `${quantity(failures.length, "failure")}:`,
      failureTable(failures),
    ],
  };
}

/** Of each data set, where the source says how long every utterance is; else empty. */
function secondsOf(utterances: Corpus["utterances"]): Map<string, number> {
  const sums = new Map<string, number>();
  for (const { dataset, seconds } of utterances) {
    if (seconds === undefined) return new Map();
    sums.set(dataset, (sums.get(dataset) ?? 0) + seconds);
  }
  return sums;
}
