import { suite } from "uvu";
import * as assert from "uvu/assert";
import { cosine } from "../../src/scoring/cosine.js";
import { scoreTrials } from "../../src/scoring/score-trials.js";
import { near } from "../analysis/reference.js";
import { cohort, noisy, pairs } from "./reference.js";

const plain = suite("cosine");
plain("is the product of two vectors by their lengths", () => {
  assert.is(cosine([3, 0], [5, 0]), 1);
  assert.is(cosine(new Float32Array([0, 2]), [-1, 0]), 0);
  assert.ok(near(cosine([1, 1], [1, 0]), Math.SQRT1_2, 1e-15));
  assert.is(cosine([0.1, 0.2, 0.3], [0.2, 0.4, 0.6]), 1);
});
plain("refuses what has none", () => {
  assert.throws(() => cosine([1, 2], [1]), /have 2 and 1 value/);
  assert.throws(() => cosine([], []), /have no values/);
  assert.throws(() => cosine([0, 0], [1, 2]), /first vector is a zero vector/);
  assert.throws(() => cosine([1, 0], [1, Number.NaN]), /second vector holds NaN/);
});
plain.run();

const scoring = suite("scoreTrials");
const few = pairs.slice(0, 5);
const list = Array.from({ length: cohort.rows }, (_, i) => ({
  embedding: cohort.data.slice(i * cohort.columns, (i + 1) * cohort.columns),
}));
scoring("finds embeddings by path where no key fits", async () => {
  const renamed = noisy.map(({ key, embedding }, i) => ({ key: `u${i}`, path: key, embedding }));
  assert.equal(await scoreTrials(few, renamed), await scoreTrials(few, noisy));
});
scoring("finds embeddings by what only one path ends in", async () => {
  const rows = noisy.map(({ key, embedding }, i) => ({ key: `u${i}`, path: `/corpus/${key}`, embedding }));
  const short = few.map(({ enroll, test }) => ({
    enroll: enroll.replace("test-other/", "").replace(".flac", ""),
    test,
  }));
  const scores = (scored: { score: number }[]) => scored.map(({ score }) => score);
  assert.equal(scores(await scoreTrials(short, rows)), scores(await scoreTrials(few, noisy)));
  const twice = [...rows, { ...rows[0], key: "again", path: `/other/${noisy[0].key}` }];
  await scoreTrials(few, twice).then(
    () => assert.unreachable("two files fit"),
    ({ tag, got }) => assert.equal([tag, got], ["unknown", [noisy[0].key]]),
  );
});
scoring("subtracts a mean from embeddings and cohort", async () => {
  const mean = Float64Array.from({ length: 192 }, (_, k) => Math.sin(k) / 4);
  const shifted = (rows: { embedding: Float32Array }[]) =>
    rows.map((row) => ({ ...row, embedding: row.embedding.map((value, k) => value + mean[k]) }));
  const moved = shifted(noisy) as typeof noisy;
  const back = await scoreTrials(few, moved, { mean, cohort: shifted(list), topN: 20 });
  const plain = await scoreTrials(few, noisy, { cohort, topN: 20 });
  const scores = (rows: { score: number }[]) => rows.map(({ score }) => score);
  assert.ok(near(scores(back), scores(plain), 1e-4));
  assert.not.ok(near(scores(await scoreTrials(few, moved)), scores(await scoreTrials(few, noisy)), 1e-4));
  const own = Float64Array.from({ length: 192 }, (_, k) =>
    list.reduce((sum, { embedding }) => sum + embedding[k] / 400, 0),
  );
  assert.ok(
    near(
      scores(await scoreTrials(few, noisy, { mean: "cohort", cohort })),
      scores(await scoreTrials(few, noisy, { mean: own, cohort })),
      1e-9,
    ),
  );
});
scoring("refuses what makes no sense", async () => {
  const error = async (promise: Promise<unknown>): Promise<Error & { tag: string; got: unknown }> =>
    promise.then(
      () => assert.unreachable("it was taken") as never,
      (reason) => reason,
    );
  const strangers = Array.from({ length: 12 }, (_, i) => ({ enroll: `x${i}`, test: noisy[0].key }));
  const unknown = await error(scoreTrials([...few, ...strangers], noisy));
  assert.is(unknown.tag, "unknown");
  assert.match(
    unknown.message,
    /^12 names in the trials match no embedding, or more than one: x0, x1, .*, x9, and 2 more\. An embedding's key looks like "test-other/,
  );
  assert.equal(
    unknown.got,
    strangers.map(({ enroll }) => enroll),
  );
  const message = async (promise: Promise<unknown>) => (await error(promise)).message;
  assert.match(await message(scoreTrials([], noisy)), /There are no trials/);
  assert.match(await message(scoreTrials(few, [...noisy, noisy[3]])), /Two embeddings have the key/);
  assert.match(await message(scoreTrials(few, noisy, { topN: 5 })), /topN needs a cohort/);
  assert.match(await message(scoreTrials(few, noisy, { mean: "cohort" })), /needs a cohort/);
  assert.match(
    await message(scoreTrials(few, noisy, { cohort, topN: 401 })),
    /cohort has 400 embeddings, fewer than topN \(401\)/,
  );
  assert.match(await message(scoreTrials(few, noisy, { cohort, topN: 1 })), /topN is 1/);
  assert.match(
    await message(scoreTrials(few, noisy, { cohort: list.slice(0, 1) })),
    /cohort has 1 embedding/,
  );
  const same = [list[0], list[0], list[0]];
  assert.match(await message(scoreTrials(few, noisy, { cohort: same })), /are the same .* one voice only/);
  assert.match(await message(scoreTrials(few, noisy, { cohort: same, topN: 2 })), /are the same/);
  assert.match(
    await message(scoreTrials(few, noisy, { mean: [1, 2] })),
    /mean has 2 values, the embeddings have 192/,
  );
  const broken = [{ ...noisy[0], embedding: noisy[0].embedding.map(() => Number.NaN) }, ...noisy.slice(1)];
  assert.match(await message(scoreTrials(few, broken)), /Embedding 0 \(test-other.* holds NaN/);
  const short = [{ embedding: new Float32Array(3).fill(1) }, { embedding: new Float32Array([1, 2, 3]) }];
  assert.match(
    await message(scoreTrials(few, noisy, { cohort: short })),
    /have 192 numbers, and those of the cohort 3: they are of two models/,
  );
  assert.match(
    await message(scoreTrials(few, noisy, { cohort: short, topN: 2 })),
    /have 192 numbers, and those .*3: they are of two models/,
  );
});
scoring.run();
