import { test } from "uvu";
import * as assert from "uvu/assert";
import { auditCorpus } from "../../src/audit/audit-corpus.js";
import { people } from "../../src/audit/people.js";
import { wrongLabels } from "../../src/audit/wrong-labels.js";
import { voices } from "./voices.js";

async function logOddsOf(sessionOf: (u: number) => string | undefined): Promise<Float64Array> {
  // Three of five utterances of the first speaker are of another, who is not in the corpus.
  const stranger = voices(31, 5).slice(150, 153);
  const rows = voices(30, 5).map((row, i) => ({ ...row, session: sessionOf(i % 5) }));
  stranger.forEach(({ embedding }, u) => {
    rows[u] = { ...rows[u], embedding };
  });
  const corpus = auditCorpus(rows);
  const kept = new Uint8Array(corpus.n).fill(1);
  const options = { folds: 5, shrinkage: 0.6, betweenShrinkage: 0.4 };
  const known = people(corpus, corpus.nameOf, kept, options);
  return (await wrongLabels(corpus, known, kept, { prior: 0.05 })).logOdds.slice(0, 5);
}

test("a session does not vouch for itself where the speaker has two", async () => {
  const apart = await logOddsOf((u) => (u < 3 ? "first" : "second"));
  assert.ok(
    apart.subarray(0, 3).every((x) => x > 0),
    apart.join(),
  );
  const alone = await logOddsOf(() => undefined);
  assert.ok(
    alone.subarray(0, 3).every((x) => x < apart[0]),
    alone.join(),
  );
});

test("a session vouches for itself where the speaker has no other", async () => {
  const one = await logOddsOf(() => "only");
  assert.equal(one, await logOddsOf(() => undefined));
});

test.run();
