import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  analyze,
  audit,
  exportEmbeddings,
  highSimilarityPairs,
  identify,
  merge,
  neighbourRows,
  readEmbeddings,
  scoreTrials,
  similarity,
  toDataFrame,
  variability,
  writeTable,
} from "speakerscope";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { openParquet } from "../../src/corpus/sources/parquet.js";
import { makeTrials } from "../../src/scoring/make-trials.js";
import { fakeExtraction } from "../merged/extraction.js";
import { temporaryFolder } from "../tiny.js";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);

/** Every result of the toolkit that is a table, of twelve utterances of six people. */
const tables = (async () => {
  const files: Record<string, number[]> = {};
  for (let i = 0; i < 12; i++)
    files[`d/s${i % 6}/u${i}.wav`] = Array.from({ length: 8 }, (_, k) => Math.sin(i * 3 + k * 1.7 + (i % 6)));
  await merge(await fakeExtraction(at("ranks"), files), { outputDir: at("final") });
  const speakers = await readEmbeddings(at("final"));
  const utterances = await readEmbeddings(at("final"), { level: "utterance" });
  const compared = await similarity(speakers, { threshold: -1, topK: 2, backend: "onnx" });
  const { statistics, histogram } = compared;
  const pairs = highSimilarityPairs(compared, speakers);
  const analysis = analyze({ speakers, statistics, histogram, pairs });
  const { speakers: variable, utterances: fitting } = variability(utterances);
  const { trials } = makeTrials(utterances, { perSpeaker: 4 });
  const finding = {
    kind: "wrongLabel" as const,
    keys: ["d_s0_u0"],
    score: 1,
    probability: 0.5,
    evidence: { nearest: "d_s1", listen: ["a", "b"], rank: 2, none: null },
    remedy: { action: "relabel" as const, to: "d_s1" },
  };
  return {
    speakers,
    utterances,
    pairs,
    "compared-pairs": compared.pairs,
    "analysis-pairs": analysis.pairs,
    neighbours: neighbourRows(compared),
    variability: variable,
    "fitting-utterances": fitting,
    trials: await scoreTrials(trials, utterances),
    identified: await identify(utterances.slice(0, 2), speakers),
    findings: [finding, ...(await audit(utterances)).findings],
    "failures-and-doubts": [
      { path: "a.wav", dataset: "d", speakerId: null, utteranceId: "a", stage: "read", reason: "gone" },
    ],
    frame: toDataFrame(variable),
  };
})();

test("each is written in one line to every kind of table, with a row for each and no object in a cell", async () => {
  for (const [name, rows] of Object.entries(await tables)) {
    const count = Array.isArray(rows) ? rows.length : (rows as { values: unknown[] }).values.length;
    assert.ok(count > 0, name);
    for (const ending of ["csv", "tsv", "jsonl", "parquet"])
      await writeTable(rows as object[], at(`${name}.${ending}`));
    assert.is(readFileSync(at(`${name}.jsonl`), "utf8").split("\n").length, count + 1);
    assert.not.match(readFileSync(at(`${name}.csv`), "utf8"), /\[object|undefined|NaN/);
    const file = await openParquet(at(`${name}.parquet`));
    assert.is(Number(file.metadata.num_rows), count);
    file.close();
  }
});

test("the speakers of a pair are columns, and an embedding a list of float32", async () => {
  await tables;
  const [header] = readFileSync(at("pairs.csv"), "utf8").split("\n");
  assert.is(
    header,
    "speaker1Key,speaker1Dataset,speaker1SpeakerId,speaker1NumUtterances,speaker2Key,speaker2Dataset,speaker2SpeakerId,speaker2NumUtterances,similarity",
  );
  const file = await openParquet(at("speakers.parquet"));
  const element = file.metadata.schema.findIndex(({ name }) => name === "embedding");
  assert.is(file.metadata.schema[element + 2]!.type, "FLOAT");
  file.close();
});

test("pandas and pyarrow read all of them", async () => {
  const own = process.env.SPEAKERSCOPE_TEST_PYTHON;
  if (own === undefined || spawnSync(own, ["-c", "import pandas, pyarrow"]).status !== 0)
    return console.log("SKIPPED pandas reads tables: SPEAKERSCOPE_TEST_PYTHON has no pandas, pyarrow");
  const names = Object.keys(await tables);
  await exportEmbeddings(at("final"), at("exported.parquet"));
  await exportEmbeddings(at("final"), at("exported.csv"));
  const code = `
import json, sys, numpy as np, pandas as pd
folder, *names = sys.argv[1:]
for name in names:
    tables = [pd.read_csv(f"{folder}/{name}.csv"), pd.read_csv(f"{folder}/{name}.tsv", sep="\\t"), pd.read_json(f"{folder}/{name}.jsonl", lines=True), pd.read_parquet(f"{folder}/{name}.parquet")]
    for table in tables[:3]:
        assert list(table.columns) == list(tables[3].columns), name
        for column in table.columns:
            if table[column].dtype == float:
                assert np.allclose(table[column], tables[3][column].astype(float), rtol=1e-12, atol=0, equal_nan=True), (name, column)
vectors = np.stack(pd.read_parquet(f"{folder}/exported.parquet").embedding)
assert vectors.dtype == np.float32 and vectors.shape == (12, 8)
texts = pd.read_csv(f"{folder}/exported.csv").embedding
assert np.array_equal(np.array([json.loads(text) for text in texts], np.float32), vectors)
assert pd.read_parquet(f"{folder}/exported.parquet").seconds.tolist() == [1.0] * 12
`;
  const { status, stderr } = spawnSync(own, ["-c", code, folder, ...names], { encoding: "utf8" });
  assert.is(status, 0, stderr);
});

test.run();
