import { test } from "uvu";
import * as assert from "uvu/assert";
import { plda } from "../../src/scoring/plda.js";
import { pldaScore, pldaSet } from "../../src/scoring/plda-score.js";
import { random } from "../../src/vectors/random.js";

const rows = [
  ["a", [0.32, -0.64, 1.53]],
  ["a", [1.16, 0.4, 0.79]],
  ["a", [-0.63, -0.7, 1.31]],
  ["b", [-5.16, -0.82, -2.71]],
  ["b", [-4.36, 0.29, -2.58]],
  ["c", [3.37, -1.26, 0.18]],
  ["c", [2.09, -1.65, 0.86]],
  ["c", [2.03, -1.48, 0.59]],
  ["c", [3.11, -1.18, 0.95]],
  ["d", [-0.26, -1.14, 2.63]],
] as const;
const labelled = rows.map(([speakerId, values]) => ({
  dataset: "x",
  speakerId: speakerId as string | null,
  embedding: Float32Array.from(values),
}));

const close = (got: number, want: number, error = 1e-6) =>
  assert.ok(Math.abs(got - want) < error, `${got} is not ${want}`);

test("plda gives the log likelihood ratios of the joint Gaussians of all embeddings of two sets", () => {
  const model = plda(labelled, { betweenShrinkage: 0 });
  const score = (a: number[], b: number[]) =>
    pldaScore(
      model,
      pldaSet(
        model,
        a.map((i) => labelled[i]),
      ),
      pldaSet(
        model,
        b.map((i) => labelled[i]),
      ),
    );
  // From numpy and scipy: multivariate_normal.logpdf of the stacked embeddings, covariance 1⊗B + I⊗W.
  close(score([0, 1], [2]), 0.983182039810343);
  close(score([0, 1, 2], [3, 4]), -33.42473698934899);
  close(score([5, 6], [7, 8]), 2.6236072700133617);
  close(score([0], [9]), 1.9219629592524212);
  close(score([9], [0]), 1.9219629592524212);
  // Of three axes one has no variance between speakers, and is left out.
  assert.is(model.between.length, 2);
  close(model.between[0], 14.05608705);
  close(model.between[1], 4.69012994);
});

test("plda leaves out utterances of an unknown speaker", () => {
  const unknown = { dataset: "x", speakerId: null, embedding: Float32Array.of(1, 1, 1) };
  assert.equal(plda([unknown, ...labelled]), plda(labelled));
});

test("plda keeps speakers of one id in two data sets apart", () => {
  const model = plda(labelled.map((row, i) => ({ ...row, dataset: i === 8 ? "y" : "x" })));
  assert.is(model.speakers, 5);
  assert.is(model.utterances, 10);
});

test("a set of equal embeddings scores higher the more there are", () => {
  const model = plda(labelled);
  const once = pldaSet(model, [labelled[5]]);
  const thrice = pldaSet(model, [labelled[5], labelled[5], labelled[5]]);
  assert.ok(pldaScore(model, thrice, thrice) > pldaScore(model, once, once));
});

test("plda tells speakers apart whose differences lie under larger ones within speakers", () => {
  const next = random(1);
  const normal = () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  const noisy = Array.from({ length: 40 }, (_, s) => {
    const centre = Array.from({ length: 8 }, (_, k) => (k < 4 ? normal() : 0));
    return Array.from({ length: 5 }, () => ({
      dataset: "x",
      speakerId: String(s),
      embedding: Float32Array.from(centre, (x, k) => 0.3 * x + normal() * (k < 4 ? 0.1 : 1)),
    }));
  });
  const model = plda(noisy.flat(), { shrinkage: 0 });
  let right = 0;
  noisy.forEach((own, s) => {
    const other = noisy[(s + 1) % 40];
    const score = (test: typeof own) =>
      pldaScore(model, pldaSet(model, own.slice(0, 4)), pldaSet(model, test));
    right += Number(score([own[4]]) > score([other[4]]));
  });
  assert.ok(right >= 36, `${right} of 40`);
});

test("plda with nothing but the same variance in every direction scores as with next to nothing else", () => {
  const scores = [1, 1 - 1e-13].map((all) => {
    const model = plda(labelled, { shrinkage: all, betweenShrinkage: all });
    assert.is(model.axes.length, 9);
    return pldaScore(model, pldaSet(model, labelled.slice(0, 2)), pldaSet(model, labelled.slice(5, 6)));
  });
  close(scores[0], scores[1], 1e-9);
});

test("plda says what it cannot be trained on", () => {
  const one = labelled.slice(0, 3);
  assert.throws(() => plda(one), /There is one speaker. A PLDA model needs two or more/);
  assert.throws(() => plda([]), /There is no speaker/);
  assert.throws(
    () => plda([labelled[0], labelled[3], labelled[5]]),
    /None of the 3 speakers has two utterances/,
  );
  assert.throws(() => plda(labelled.slice(2, 5), { shrinkage: 0 }), /is singular/);
  const equal = labelled.map((row) => ({ ...row, embedding: Float32Array.of(1, 2, 3) }));
  assert.throws(() => plda(equal), /utterances are equal/);
  assert.throws(() => plda(labelled, { shrinkage: 2 }), /The shrinkage is 2. It has to be between 0 and 1/);
});

test("pldaSet says what it cannot take", () => {
  const model = plda(labelled);
  assert.throws(() => pldaSet(model, []), /has no utterances/);
  assert.throws(
    () => pldaSet(model, [{ embedding: Float32Array.of(1, 2) }]),
    /have 2 values, the PLDA model is for 3/,
  );
});

test("plda leaves out dimensions in which embeddings do not vary, where there are more of them than dimensions", () => {
  const wide = labelled.map((row) => ({ ...row, embedding: Float32Array.of(...row.embedding, 0, 0, 0) }));
  assert.is(plda(wide).between.length, 3);
  assert.is(plda(wide.slice(0, 6)).between.length, 6);
});

test.run();
