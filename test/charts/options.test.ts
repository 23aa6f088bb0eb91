import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  corpusOverview,
  durations,
  intraInter,
  similarityOverview,
  utteranceMap,
} from "../../src/charts/index.js";
import { rowsOf, speakerOf } from "../../src/charts/options.js";

const rows = [
  { dataset: "a", seconds: 1 },
  { dataset: "b", seconds: 2 },
];
type Row = (typeof rows)[number];

test("rows, columns, typed arrays and iterators are the same table", () => {
  assert.equal(rowsOf<Row>("t", rows, ["seconds"]), rows);
  assert.equal(rowsOf<Row>("t", rows.values(), ["seconds"]), rows);
  assert.equal(rowsOf<Row>("t", { dataset: ["a", "b"], seconds: [1, 2] }, ["seconds"]), rows);
  assert.equal(
    rowsOf<Row>("t", { dataset: ["a", "b"], seconds: new Float32Array([1, 2]) }, ["seconds"]),
    rows,
  );
});

test("a danfojs DataFrame is a table", () => {
  const danfo = require("danfojs-node") as typeof import("danfojs-node");
  const frame = new danfo.DataFrame(rows);
  assert.equal(rowsOf<Row>("t", frame as never, ["seconds"]), rows);
  assert.equal(durations(frame as never).spec, durations(rows as never).spec);
});

test("scores that are no cosines are an error, not bars at the ends", () => {
  const nonTarget = [0.1, 1.0000002];
  assert.throws(
    () => intraInter({ target: [0.5, 3.2], nonTarget }),
    /target scores hold 3.2, which is no cosine/,
  );
  assert.ok(intraInter({ target: [0.5], nonTarget }));
});

test("an empty table has no rows", () => {
  assert.equal(rowsOf<Row>("t", [], ["seconds"]), []);
  assert.equal(rowsOf<Row>("t", { dataset: [], seconds: [] }, ["seconds"]), []);
});

test("a missing column is named beside those that are there", () => {
  assert.throws(
    () => rowsOf<Row>("durations", [{ dataset: "a" }] as never, ["dataset", "seconds"]),
    /durations needs a column seconds, but the table has dataset\./,
  );
});

test("what is no table is refused", () => {
  assert.throws(() => rowsOf<Row>("t", 5 as never, ["seconds"]), /t takes rows, .*, not 5\./);
  assert.throws(() => rowsOf<Row>("t", { dataset: ["a"], seconds: [1, 2] }, []), /t takes rows/);
});

test("the rows of the caller stay as they are", () => {
  const before = JSON.stringify(rows);
  durations(rows as never);
  assert.is(JSON.stringify(rows), before);
});

test("speakers of two data sets do not become one", () => {
  assert.is.not(
    speakerOf({ dataset: "my_set", speakerId: "x" }),
    speakerOf({ dataset: "my", speakerId: "set_x" }),
  );
});

test("utterances of unknown speakers are drawn, and counted as nobody's", () => {
  const rows = [
    { dataset: "d", speakerId: "a", utteranceId: "1", x: 0, y: 0 },
    { dataset: "d", speakerId: null, utteranceId: "2", x: 1, y: 1 },
  ];
  assert.match(corpusOverview(rows).spec.description, /2 utterances, 1 speaker, 1 unknown, 1 data set/);
  assert.match(JSON.stringify(utteranceMap(rows).spec), /"speaker":"d\/unknown"/);
});

test("a result in the place of its rows is an error that names the rows", () => {
  const points = { points: [{ x: 1, y: 2 }], summary: {} };
  assert.throws(
    () => utteranceMap(points as never),
    /utteranceMap takes rows, .* not an object of points, summary\. Its rows may be what is called points: give that\./,
  );
  const pairs = [{ i: 0, j: 1, similarity: 0.9 }];
  assert.throws(
    () => similarityOverview({ pairs } as never),
    /pairs with the names of the speakers: .*highSimilarityPairs\(result, speakers\)/,
  );
});

test.run();
