import type { Chart } from "../../src/charts/index.js";
import * as charts from "../../src/charts/index.js";
import { random, reference, someMatrix, summary } from "./data.js";

const normal = (next: () => number) => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());

/** One chart of every kind, small enough to keep as text. `name` gives the names in it: `name("speaker", 3)`. */
export function gallery(name = (kind: string, i: number) => `${kind}-${i}`): Record<string, () => Chart> {
  const next = random(7);
  const who = Array.from({ length: 6 }, (_, i) => {
    const [dataset, speakerId] = [name("set", i % 2), name("speaker", i)];
    return { key: `${dataset}_${speakerId}`, dataset, speakerId, numUtterances: 3 };
  });
  const similar = summary(someMatrix(6), 0.3, who);
  const files = Array.from({ length: 30 }, (_, i) => ({
    dataset: who[i % 5].dataset,
    speakerId: who[i % 5].speakerId,
    seconds: 1 + (i % 11) * 0.7,
    sampleRate: i % 2 ? 16000 : 44100,
  }));
  const samples = Float32Array.from({ length: 4000 }, (_, i) => Math.sin(i / 5) * Math.sin(i / 900) * 0.5);
  const target = Array.from({ length: 60 }, () => 0.6 + 0.15 * normal(next));
  const nonTarget = Array.from({ length: 200 }, () => 0.2 + 0.15 * normal(next));
  const utterances = Array.from({ length: 40 }, (_, i) => ({
    key: name("utterance", i),
    utteranceId: name("utterance", i),
    speakerKey: who[i % 6].key,
    seconds: 1 + 0.3 * i,
    similarity: 0.5 + 0.01 * i - 0.1 * next(),
    x: (i % 6) + normal(next) / 5,
    y: (((i % 6) * 3) % 5) + normal(next) / 5,
  }));
  const points = Array.from({ length: 21 }, (_, k) => ({
    threshold: k / 20,
    missRate: (k / 20) ** 3,
    falseAlarmRate: (1 - k / 20) ** 3,
  }));
  return {
    heatmap: () => charts.heatmap(similar, { order: [5, 0, 4, 1, 3, 2] }),
    heatmapSubset: () => charts.heatmapSubset(similar, { subset: 3 }),
    heatmapPositive: () => charts.heatmap({ keys: similar.keys, matrix: someMatrix(6, { low: 0.2 }) }),
    distribution: () => charts.distribution(similar),
    boxPlot: () => charts.boxPlot(similar),
    cdf: () => charts.cdf(similar),
    highPairs: () => charts.highPairs(similar.pairs, { threshold: 0.3 }),
    highPairsNone: () => charts.highPairs([], { threshold: 0.8 }),
    similarityOverview: () => charts.similarityOverview(similar),
    thresholdExplorer: () => charts.thresholdExplorer(similar),
    corpusOverview: () => charts.corpusOverview(files),
    durations: () => charts.durations(files),
    utterancesPerSpeaker: () => charts.utterancesPerSpeaker(files),
    sampleRates: () => charts.sampleRates(files),
    waveform: () =>
      charts.waveform({ samples, sampleRate: 16000 }, { title: name("utterance", 0), maxPoints: 200 }),
    fbankImage: () =>
      charts.fbankImage(
        { data: samples.subarray(0, 400), rows: 40, columns: 10 },
        { title: name("utterance", 0) },
      ),
    variabilityRanking: () =>
      charts.variabilityRanking(
        who.map((speaker, i) => ({
          ...speaker,
          mean: i === 5 ? null : 0.5 + i / 20,
          std: i === 5 ? null : 0.1,
          min: i === 5 ? null : 0.2 + i / 30,
        })),
      ),
    intraInter: () => charts.intraInter({ target, nonTarget }, { eer: 0.08, threshold: 0.41 }),
    detPlot: () => charts.detPlot(points, { eer: 0.125 }),
    similarityVsDuration: () => charts.similarityVsDuration(utterances),
    utteranceMap: () => charts.utteranceMap(utterances, { method: "first two principal components" }),
    detPlotSystems: () =>
      charts.detPlot(
        {
          [name("system", 0)]: points,
          [name("system", 1)]: points.map((point) => ({ ...point, missRate: point.missRate / 2 })),
        },
        { eer: { [name("system", 0)]: 0.125, [name("system", 1)]: 0.088 } },
      ),
    reliabilityPlot: () =>
      charts.reliabilityPlot(
        [0.04, 0.16, 0.35, 0.62, 0.93].map((predicted, b) => ({
          from: b / 5,
          to: (b + 1) / 5,
          predicted,
          observed: predicted ** 1.2,
          targets: 10 * b,
          nonTargets: 200 - 45 * b,
        })),
      ),
  };
}

export { reference };
