import { test } from "uvu";
import * as assert from "uvu/assert";
import { auditCorpus } from "../../src/audit/audit-corpus.js";
import { namePairs } from "../../src/audit/name-pairs.js";
import { people } from "../../src/audit/people.js";
import { labelEvidence } from "../../src/audit/wrong-labels.js";
import { voices } from "./voices.js";

/** The pairs of names of a corpus, all of whose labels count. */
async function pairsOf(rows: ReturnType<typeof voices>) {
  const corpus = auditCorpus(rows);
  const weights = new Float64Array(corpus.n).fill(1);
  const known = people(corpus, corpus.nameOf, weights);
  const evidence = await labelEvidence(corpus, known, weights, { aliasOf: () => 0 });
  const { pairs, usual } = await namePairs(corpus, known, { weights, evidence, wrong: 0.05 });
  const name = (s: number) => corpus.names[s].key.replace(/^x./, "");
  return {
    usual,
    pairs: pairs
      .map((pair) => ({ ...pair, keys: [name(pair.first), name(pair.second)].sort().join(" ") }))
      .sort((a, b) => b.score - a.score),
  };
}

const renamed = (rows: ReturnType<typeof voices>, rename: (s: number, u: number) => string) =>
  rows.map((row, i) => ({
    ...row,
    key: `x_${rename(Math.floor(i / 4), i % 4)}_${i}`,
    speakerId: rename(Math.floor(i / 4), i % 4),
  }));

test("two names of one person score far above all others", async () => {
  const rows = renamed(voices(30, 4), (s, u) => (s === 7 && u > 1 ? "again" : `s${s}`));
  const { pairs, usual } = await pairsOf(rows);
  assert.is(pairs[0].keys, "again s7");
  assert.ok(
    pairs[0].score > 0.3 * usual && pairs[1].score < 0,
    `${pairs[0].score} ${pairs[1].score} ${usual}`,
  );
});

test("a name of two rows with two voices may be of either, by the row that is hers", async () => {
  const rows = renamed(voices(30, 4), (s, u) => (u === 3 && (s === 4 || s === 5) ? "pair" : `s${s}`));
  const { pairs } = await pairsOf(rows);
  assert.equal(
    pairs
      .slice(0, 2)
      .map(({ keys }) => keys)
      .sort(),
    ["pair s4", "pair s5"],
  );
  const rowsOf = ({ firstRows, secondRows, keys }: (typeof pairs)[number]) =>
    keys.startsWith("pair") && firstRows < 4 && firstRows > 0 ? firstRows : secondRows;
  assert.ok(Math.abs(pairs[0].score - pairs[1].score) < 3);
  assert.ok(pairs.slice(0, 2).every((pair) => rowsOf(pair) > 0));
  assert.ok(pairs[2].score < pairs[1].score - 5);
});

test("names that resemble many others are not one person with each of them", async () => {
  const noise = voices(1, 1, { seed: 5 })[0].embedding;
  const noisy = voices(6, 2, { seed: 6 }).map((row) => ({
    ...row,
    key: `noisy_${row.key}`,
    speakerId: `noisy-${row.speakerId}`,
    embedding: row.embedding.map((x, k) => 0.3 * x + noise[k]),
  }));
  const { pairs } = await pairsOf([...voices(30, 4), ...noisy]);
  const ofNoisy = pairs.filter(({ keys }) => /noisy.*noisy/.test(keys));
  assert.ok(ofNoisy.filter(({ ratio }) => ratio > 5).length > 5);
  // The likeliest three of a name may be of one person; the rest says how much it resembles anybody.
  const likely = ofNoisy.filter(({ score }) => score > 0);
  assert.ok(
    likely.length < 6 && likely.every(({ score }) => score < 6),
    ofNoisy.map(({ score }) => score).join(),
  );
});

test.run();
