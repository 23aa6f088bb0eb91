import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Chart } from "../../src/charts/index.js";
import * as charts from "../../src/charts/index.js";
import { random, someMatrix, summary } from "./data.js";

const bytesOf = ({ spec }: Chart) => Buffer.byteLength(JSON.stringify(spec));

for (const n of [10, 1000, 6000]) {
  test(`no chart of ${n} speakers is larger than 2 MB, and what is left out is said`, async () => {
    const next = random(n);
    const rows = Array.from({ length: n * 10 }, (_, i) => {
      const speaker = `speaker-with-a-name-of-forty-characters-${i % n}`;
      return {
        key: `data-set_${speaker}_utterance-${i}`,
        dataset: `data set ${i % 17}`,
        speakerId: speaker,
        speakerKey: `data-set_${speaker}`,
        utteranceId: `chapter/utterance-${i}`,
        seconds: 0.5 + 20 * next() ** 3,
        sampleRate: i % 3 ? 16000 : 44100,
        similarity: next(),
        x: next(),
        y: next(),
        mean: next(),
        std: next() / 9,
        min: -next(),
        numUtterances: 10,
      };
    });
    const speakers = rows.slice(0, n);
    const scores = Float64Array.from({ length: n * 20 }, () => 2 * next() - 1);
    const points = Array.from({ length: n * 20 }, (_, k) => ({
      threshold: k,
      missRate: k / n / 20,
      falseAlarmRate: 1 - k / n / 20,
    }));
    const similar = summary(someMatrix(Math.min(n, 400)), 0.3);
    const made: Record<string, Chart> = {
      corpusOverview: charts.corpusOverview(rows),
      durations: charts.durations(rows),
      utterancesPerSpeaker: charts.utterancesPerSpeaker(rows),
      variabilityRanking: charts.variabilityRanking(speakers),
      similarityVsDuration: charts.similarityVsDuration(rows),
      utteranceMap: charts.utteranceMap(rows),
      intraInter: charts.intraInter({ target: scores, nonTarget: scores }),
      detPlot: charts.detPlot(points),
      thresholdExplorer: charts.thresholdExplorer(similar),
      similarityOverview: charts.similarityOverview(similar),
      waveform: charts.waveform({ samples: Float32Array.from(scores), sampleRate: 16000 }),
      fbankImage: charts.fbankImage({ data: new Float32Array(n * 2 * 80), rows: n * 2, columns: 80 }),
    };
    for (const [name, chart] of Object.entries(made))
      assert.ok(bytesOf(chart) < 1e6, `${name}: ${bytesOf(chart)}`);
    const titleOf = (name: string) => JSON.stringify(made[name].spec.title);
    if (n > 10) {
      assert.match(titleOf("utteranceMap"), /a sample of 4,000 of/);
      assert.match(titleOf("similarityVsDuration"), /a sample of 3,000/);
      assert.match(titleOf("variabilityRanking"), /the 40 least consistent of/);
    }
    assert.is((made.waveform.spec.data as { values: unknown[] }).values.length <= 1000, true);
  });
}

test("samples are the same every time and evenly spaced", () => {
  const rows = Array.from({ length: 9000 }, (_, i) => ({
    x: i,
    y: 0,
    speakerKey: "a",
    utteranceId: String(i),
  }));
  const ids = () =>
    (charts.utteranceMap(rows).spec.data as { values: { utterance: string }[] }).values.map(
      ({ utterance }) => utterance,
    );
  assert.equal(ids(), ids());
  assert.is(ids().length, 4000);
  assert.ok(Number(ids()[3999]) > 8990);
});

test.run();
