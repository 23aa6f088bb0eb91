import { join } from "node:path";
import { compareModels, equalErrorRate, type ModelComparison } from "speakerscope";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { temporaryFolder, tinyCorpus, tinyModel } from "../tiny.js";

const folder = temporaryFolder();
const dataRoot = tinyCorpus(
  join(folder, "corpus"),
  Object.fromEntries(
    Array.from({ length: 18 }, (_, i) => [`d/s${i % 6}/u${i}.wav`, (i % 6) * 9 + Math.floor(i / 6) * 4]),
  ),
);
const paths = [
  tinyModel(join(folder, "a")),
  tinyModel(join(folder, "b"), { dimension: 5, numMelBins: 40, slope: 0.9 }),
];
const named = [
  { modelPath: paths[0]!, config: { name: "first" } },
  { modelPath: paths[1]!, config: { name: "second/2" } },
];
const outputDir = join(folder, "out");
const logs: string[] = [];
const compareThem = (): Promise<ModelComparison> =>
  compareModels(named, dataRoot, {
    outputDir,
    device: "cpu",
    numRanks: 1,
    resamples: 100,
    timed: 2,
    onLog: (line) => logs.push(line),
  });
const compared = compareThem();

test("each model has a row: errors with their interval, dimension and speed", async () => {
  const { models, scores, summary } = await compared;
  assert.equal(
    models.map(({ model, dimension, failed }) => [model, dimension, failed]),
    [
      ["first", 8, 0],
      ["second/2", 5, 0],
    ],
  );
  for (const { model, eer, eerInterval, eerThreshold, cpuMs } of models) {
    const expected = equalErrorRate(scores[model]!);
    assert.equal([eer, eerThreshold], [expected.eer, expected.threshold]);
    assert.ok(eerInterval![0] <= eer && eer <= eerInterval![1]);
    assert.ok(cpuMs > 0 && cpuMs < 1000, `${cpuMs}`);
  }
  assert.equal([summary.utterances, summary.targets, summary.speakers], [18, 18, 6]);
});

test("the trials of all models are the same ones", async () => {
  const { scores, summary } = await compared;
  const trials = Object.values(scores).map((rows) =>
    rows.map(({ enroll, test, isTarget }) => [enroll, test, isTarget]),
  );
  assert.equal(trials[0], trials[1]);
  assert.is(trials[0]!.length, summary.trials);
  assert.is.not(scores.first![0]!.score, scores["second/2"]![0]!.score);
});

test("a disagreement is a trial that some decide rightly and others wrongly, the most distant first", async () => {
  const { models, scores, disagreements } = await compared;
  const isRight = (model: string, t: number) => {
    const { score, isTarget } = scores[model]![t]!;
    return score >= models.find((row) => row.model === model)!.eerThreshold === isTarget;
  };
  const apart = scores.first!.filter((_, t) => isRight("first", t) !== isRight("second/2", t));
  assert.ok(apart.length > 0);
  assert.is(disagreements.length, apart.length);
  for (const [i, { enroll, test: other, right, wrong, scores: own, distance }] of disagreements.entries()) {
    const t = scores.first!.findIndex((trial) => trial.enroll === enroll && trial.test === other);
    assert.ok(isRight(right[0]!, t) && !isRight(wrong[0]!, t));
    assert.equal(own, { first: scores.first![t]!.score, "second/2": scores["second/2"]![t]!.score });
    assert.ok(i === 0 || distance <= disagreements[i - 1]!.distance);
  }
});

test("what is embedded is not embedded again", async () => {
  await compared;
  logs.length = 0;
  const again = await compareThem();
  assert.is(logs.filter((line) => line === "18 of 18 files were done before").length, 2);
  const without = ({ models, ...rest }: ModelComparison) => ({
    ...rest,
    models: models.map((row) => ({ ...row, cpuMs: 0 })),
  });
  assert.equal(without(again), without(await compared));
});

test("one model, and two of one name, are errors", async () => {
  const text = (models: Parameters<typeof compareModels>[0]) =>
    compareModels(models, dataRoot).then(String, (error: Error) => error.message);
  assert.match(await text(["campplus"]), /^There is 1 model\. Give two or more/);
  assert.match(await text(paths), /^Two of the models are called tiny\. Give one of them another name/);
});

test.run();
