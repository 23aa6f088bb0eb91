import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { openModel } from "../../src/embed/open-model.js";
import { compare } from "../../src/scoring/compare.js";
import { scoreCalibration } from "../../src/scoring/score-calibration.js";
import { packageRoot } from "../../src/util/package-root.js";
import { near } from "../analysis/reference.js";
import { put, temporaryFolder, tinyModel } from "../tiny.js";

const speech = join(packageRoot, "data", "speech", "studio");
const [first, second, other] = [
  join(speech, "103", "103-1240-0000-part0.flac"),
  join(speech, "103", "103-1240-0000-part1.flac"),
  join(speech, "1040", "1040-133433-0000-part0.flac"),
];
const files = suite("compare");
files("says same of one voice and different of two", async () => {
  const model = await openModel();
  const same = await compare(first, second, { model });
  assert.equal([same.verdict, same.probability], ["same", null]);
  assert.ok(same.score > 0.7 && same.score < 1);
  assert.ok(same.seconds.every((seconds) => seconds > 1));
  const different = await compare(first, other, { model });
  assert.is(different.verdict, "different");
  const calibration = scoreCalibration({ scale: 30, offset: -13 });
  const calibrated = await compare(first, second, { model, calibration, prior: 0.3 });
  assert.is(calibrated.probability, calibration.toProbability(calibrated.score, 0.3));
  assert.equal([calibrated.verdict, calibrated.basis], ["same", "the calibrated probability"]);
  const flat = scoreCalibration({ scale: 0.1, offset: 0 });
  assert.is((await compare(first, second, { model, calibration: flat })).verdict, "unsure");
  assert.is((await compare(first, second, { model, threshold: 0.999 })).verdict, "different");
  // It is still open.
  assert.is((await compare(first, first, { model })).score.toFixed(6), "1.000000");
  await model.close();
});
files("knows nothing of another model unless a calibration lies beside it", async () => {
  const folder = temporaryFolder();
  const modelPath = tinyModel(folder);
  assert.equal((({ verdict, basis }) => [verdict, basis])(await compare(first, second, { modelPath })), [
    "unsure",
    "nothing: this model has no calibration",
  ]);
  put(join(folder, "tiny.calibration.json"), JSON.stringify({ scale: 1, offset: -5 }));
  const { score, probability, verdict } = await compare(first, second, { modelPath });
  assert.ok(near(probability, 1 / (1 + Math.exp(5 - score)), 1e-12));
  assert.is(verdict, "different");
});
files("refuses what is no speech, by name", async () => {
  const folder = temporaryFolder();
  const modelPath = tinyModel(folder);
  const message = async (a: string, options = {}) =>
    compare(a, first, { modelPath, ...options }).then(
      () => "",
      (error) => error.message,
    );
  const text = join(folder, "notes.wav");
  writeFileSync(text, "not audio");
  assert.match(await message(text), /notes\.wav cannot be embedded: /);
  assert.match(await message(join(folder, "none.wav")), /none\.wav does not exist/);
  assert.match(await message(first, { threshold: 2 }), /threshold is 2/);
  assert.match(
    await message(first, { calibration: scoreCalibration({ scale: 1, offset: 0 }), prior: 0 }),
    /prior is 0/,
  );
});
files.run();
