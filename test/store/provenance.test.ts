import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { merge } from "../../src/merge/merge.js";
import { checkSameModel, readProvenance } from "../../src/store/provenance.js";
import { fakeExtraction } from "../merged/extraction.js";
import { put, temporaryFolder } from "../tiny.js";

const model = {
  version: 1,
  name: "campplus",
  sha256: "a",
  precision: "fp32",
  dimension: 192,
  frontend: { numMelBins: 80 },
};
const made = (by: object) => ({ what: "one", by: { ...model, channel: "mean", ...by } });
const other = { what: "other", by: { ...model, channel: "mean" } };

test("merging writes how the embeddings were made, and it is read of the folder and of its pickles", async () => {
  const folder = temporaryFolder();
  const final = join(folder, "final");
  await merge(await fakeExtraction(join(folder, "ranks"), { "d/s/a.wav": [1, 2] }), { outputDir: final });
  for (const path of [final, join(final, "speaker_embeddings.pkl")])
    assert.equal(readProvenance(path), { what: path, by: { version: 1 } });
  put(join(final, "provenance.json"), "{}");
  assert.is(readProvenance(final).by, undefined, "of the Python pipeline it is not known");
  assert.is(readProvenance(join(folder, "vectors.npz")).by, undefined);
});

test("two models, or two front ends of one, cannot be compared", () => {
  const message = (by: object) => {
    try {
      return checkSameModel(made(by), other);
    } catch (error) {
      return (error as Error).message;
    }
  };
  assert.match(
    message({ name: "ge2e", dimension: 256 })!,
    /^one and other hold embeddings of different models.*: name "ge2e" and "campplus"; dimension 256 and 192\. Extract both/,
  );
  assert.match(message({ frontend: { numMelBins: 40 } })!, /frontend\.numMelBins 40 and 80/);
  assert.match(message({ sha256: "b" })!, /sha256 "b" and "a"/);
});

test("other settings of one model are a warning, and nothing is said where nothing is known", () => {
  assert.match(
    checkSameModel(made({ precision: "int8", sha256: "b", vad: "silero" }), other)!,
    /different settings, so their scores may be off: precision "int8" and "fp32"; vad "silero" and none$/,
  );
  assert.is(checkSameModel(made({}), other), undefined);
  assert.is(checkSameModel({ what: "x", by: undefined }, other), undefined);
});

test.run();
