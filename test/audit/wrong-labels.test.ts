import { test } from "uvu";
import * as assert from "uvu/assert";
import { auditCorpus } from "../../src/audit/audit-corpus.js";
import { people } from "../../src/audit/people.js";
import { labelEvidence } from "../../src/audit/wrong-labels.js";
import { voices } from "./voices.js";

/** What speaks for the labels of the first speaker's five utterances. */
async function ownOf(sessionOf: (u: number) => string | undefined): Promise<Float64Array> {
  // Three of them are of another, who is not in the corpus.
  const stranger = voices(31, 5).slice(150, 153);
  const rows = voices(30, 5).map((row, i) => ({ ...row, session: sessionOf(i % 5) }));
  stranger.forEach(({ embedding }, u) => {
    rows[u] = { ...rows[u], embedding };
  });
  const corpus = auditCorpus(rows);
  const weights = new Float64Array(corpus.n).fill(1);
  const known = people(corpus, corpus.nameOf, weights);
  return (await labelEvidence(corpus, known, weights, { aliasOf: () => 0 })).own.slice(0, 5);
}

test("a session does not vouch for itself where the speaker has two", async () => {
  const apart = await ownOf((u) => (u < 3 ? "first" : "second"));
  const alone = await ownOf(() => undefined);
  for (let i = 0; i < 3; i++) assert.ok(apart[i] < -2 && apart[i] < alone[i], `${apart} ${alone}`);
});

test("a session vouches for itself where the speaker has no other", async () => {
  assert.equal(await ownOf(() => "only"), await ownOf(() => undefined));
});

test("how many utterances sound like nobody is found in the corpus", async () => {
  const shareOf = async (outliers: number) => {
    const nobody = voices(40, 1, { seed: 2 });
    const corpus = auditCorpus(
      voices(60, 5).map((row, i) =>
        i % 15 === 0 && i < 15 * outliers ? { ...row, embedding: nobody[i / 15].embedding } : row,
      ),
    );
    const weights = new Float64Array(corpus.n).fill(1);
    const known = people(corpus, corpus.nameOf, weights);
    return (await labelEvidence(corpus, known, weights, { aliasOf: () => 0, wrong: 0.01 })).outlier;
  };
  const [none, many] = [await shareOf(0), await shareOf(20)];
  assert.ok(none < 0.005, `${none}`);
  assert.is(many, 0.01);
});

test.run();
