import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Audit, audit } from "../../src/audit/audit.js";
import type { AuditUtterance } from "../../src/audit/audit-corpus.js";
import type { FindingKind } from "../../src/audit/finding.js";
import { readAuditUtterances } from "../../src/audit/read-utterances.js";
import { invalid } from "../../src/errors.js";
import { random } from "../../src/vectors/random.js";
import { voices } from "./voices.js";

const folder = join(__dirname, "..", "fixtures", "audit");
const truth = JSON.parse(readFileSync(join(folder, "wild.json"), "utf8")) as {
  wrongLabel: [string, string][];
  splitSpeaker: [string, string][];
  mergedSpeakers: string[];
};
const wild = readAuditUtterances(join(folder, "wild.npz"));
const audited = wild.then((utterances) => audit(utterances));

const nameOf = (key: string) => key.replace("/", "_");
const foundIn = ({ findings }: Audit, kind: FindingKind) =>
  findings.filter((finding) => finding.kind === kind && finding.probability >= 0.5);
const f1 = (found: Set<string>, wanted: Set<string>) => {
  const right = [...found].filter((key) => wanted.has(key)).length;
  return (2 * right) / (found.size + wanted.size);
};
async function assertRejects(run: () => Promise<unknown>, message: RegExp): Promise<void> {
  const error = await run().then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.match((error as Error | undefined)?.message ?? "no error", message);
}
const pair = (a: string, b: string) => [a, b].sort().join(" ");

test("audit finds planted wrong labels, and names the right speaker", async () => {
  const merged = truth.mergedSpeakers.map(nameOf);
  const inMerged = (key: string) => merged.includes(nameOf(key.replace(/\/[^/]*$/, "")));
  const found = foundIn(await audited, "wrongLabel").filter(({ keys }) => !inMerged(keys[0]));
  const wanted = new Map(truth.wrongLabel.filter(([key]) => !inMerged(key)));
  const score = f1(new Set(found.map(({ keys }) => keys[0])), new Set(wanted.keys()));
  assert.ok(score > 0.6, `F1 ${score}`);
  const named = found.flatMap(({ keys, remedy }) =>
    remedy.action === "relabel" && wanted.has(keys[0]) ? [remedy.to === nameOf(wanted.get(keys[0])!)] : [],
  );
  assert.ok(named.length > 10 && named.filter(Boolean).length / named.length > 0.7, named.join());
});

test("audit finds planted names of one person", async () => {
  const found = foundIn(await audited, "splitSpeaker").map(({ keys: [a, b] }) => pair(a, b));
  const wanted = truth.splitSpeaker.map(([a, b]) => pair(nameOf(a), nameOf(b)));
  const score = f1(new Set(found), new Set(wanted));
  assert.ok(score > 0.9, `F1 ${score}`);
});

test("audit finds planted names of two people, and says who goes where", async () => {
  const found = foundIn(await audited, "mergedSpeakers");
  const score = f1(new Set(found.map(({ keys }) => keys[0])), new Set(truth.mergedSpeakers.map(nameOf)));
  assert.ok(score > 0.9, `F1 ${score}`);
  for (const { remedy, keys } of found) {
    assert.ok(remedy.action === "splitName" && remedy.parts.every((part) => part.length > 1));
    assert.ok(
      remedy.action === "splitName" && remedy.parts.flat().every((key) => nameOf(key).startsWith(keys[0])),
    );
  }
});

test("audit finds two people under a name behind its wrong labels", async () => {
  // Two voices that resemble each other, so that two wrong labels stand out more.
  const rows = voices(40, 5);
  for (let i = 10; i < 15; i++)
    rows[i] = {
      ...rows[i],
      key: `x_s1_v${i}`,
      speakerId: "s1",
      embedding: rows[i].embedding.map((x, k) => 0.6 * x + 0.4 * rows[i - 5].embedding[k]),
    };
  for (const i of [51, 52]) rows[i] = { ...rows[i], key: `x_s1_w${i}`, speakerId: "s1" };
  const [found, ...more] = foundIn(await audit(rows), "mergedSpeakers");
  assert.ok(found !== undefined && more.length === 0);
  const apart = found.remedy.action === "splitName" ? found.remedy.parts.map((part) => part.join()) : [];
  assert.ok(
    apart.some((part) => part.includes("v1")) &&
      apart.every((part) => part.includes("v1") !== part.includes("u1")),
    apart.join(" | "),
  );
});

test("audit gives the same for any order of the utterances", async () => {
  const next = random(3);
  const shuffled = (await wild).map((row) => [next(), row] as const).sort(([a], [b]) => a - b);
  assert.equal(await audit(shuffled.map(([, row]) => row)), await audited);
});

test("audit finds no name of two people in a few noisy names without faults", async () => {
  for (const seed of [2, 3])
    assert.equal(foundIn(await audit(voices(25, 6, { spread: 1, uneven: 0.6, seed })), "mergedSpeakers"), []);
});

test("audit takes copies of an utterance for one, not for a person of their own", async () => {
  const rows = voices(30, 4, { spread: 1 });
  const copies = rows.filter((_, i) => i % 4 < 2).map((row) => ({ ...row, key: `${row.key}_copy` }));
  const { summary } = await audit([...rows, ...copies]);
  assert.is(summary.found.mergedSpeakers + summary.found.wrongLabel + summary.found.splitSpeaker, 0);
});

test("audit finds nothing in a corpus without faults", async () => {
  const { findings, info } = await audit(voices(40, 5));
  assert.is(info.model, "plda");
  assert.equal(
    findings.filter(({ probability }) => probability >= 0.5),
    [],
  );
});

test("audit finds a person in two data sets over a change of channel", async () => {
  const studio = voices(30, 4, { dataset: "studio" });
  const shift = voices(1, 1, { seed: 9 })[0].embedding;
  const mobile = voices(30, 4, { dataset: "mobile", seed: 2 });
  // The first speaker of the studio again, by what else was said.
  const again = voices(30, 8, { dataset: "studio" }).slice(4, 8);
  again.forEach((row, u) => {
    mobile[u] = { ...row, key: `mobile_s0_u${u}`, dataset: "mobile", speakerId: "s0" };
  });
  for (const row of mobile) row.embedding = row.embedding.map((x, k) => x + shift[k]);
  const found = foundIn(await audit([...studio, ...mobile]), "leakage");
  assert.equal(
    found.map(({ keys, remedy }) => [keys, remedy.action]),
    [[["mobile_s0", "studio_s0"], "keepOnOneSide"]],
  );
});

test("audit compares cosines where there are too few speakers for a model, and says so", async () => {
  const rows = voices(8, 5, { spread: 0.3 });
  rows[0] = { ...rows[0], embedding: rows[6].embedding.map((x, k) => x + 0.01 * k) };
  const result = await audit(rows);
  assert.is(result.info.model, "cosine");
  assert.match(result.info.why!, /^8 speakers have two utterances or more. A model of voices needs 20/);
  assert.equal(
    foundIn(result, "wrongLabel").map(({ keys, remedy }) => [keys, remedy]),
    [[["x_s0_u0"], { action: "relabel", to: "x_s1" }]],
  );
});

test("audit says why it has nothing to say", async () => {
  const whyOf = async (rows: AuditUtterance[]) => {
    const { findings, info } = await audit(rows);
    assert.equal(findings, []);
    assert.is(info.model, "none");
    return info.why;
  };
  const rows = voices(30, 3);
  assert.match((await whyOf([]))!, /No utterance has a speaker/);
  assert.match((await whyOf(rows.slice(0, 3)))!, /one speaker only/);
  assert.match((await whyOf(rows.filter((_, i) => i % 3 === 0)))!, /No speaker has two utterances/);
  assert.match(
    (await whyOf(rows.map((row) => ({ ...row, embedding: Float32Array.of(1, 2) }))))!,
    /are equal/,
  );
  assert.match(
    (await whyOf(rows.map((row) => ({ ...row, speakerId: null }))))!,
    /No utterance has a speaker/,
  );
});

test("audit never takes an error for a corpus in which nothing can be compared", async () => {
  const rows = voices(30, 3);
  const other = rows.map((row, i) => (i === 5 ? { ...row, embedding: Float32Array.of(1, 2, 3) } : row));
  await assertRejects(() => audit(other), /^Row 5 \(x_s1_u2\) has 3 values, row 0 has 24\. .* two models/);
  const own = invalid("The singular fault of somebody else.");
  const onProgress = () => {
    throw own;
  };
  await assertRejects(() => audit(rows, { onProgress }), /^The singular fault of somebody else\.$/);
  await assertRejects(
    () => audit(rows, { rounds: 0 }),
    /^rounds is 0\. It has to be a whole number from 1 on\.$/,
  );
});

test("audit compares two speakers of three utterances by cosines", async () => {
  const { info, findings } = await audit(voices(2, 3));
  assert.is(info.model, "cosine");
  assert.equal(
    findings.filter(({ probability }) => probability >= 0.5),
    [],
  );
});

test("audit says where all speakers sound like one person", async () => {
  const person = voices(1, 30);
  const named = voices(10, 3).map((row, i) => ({ ...row, embedding: person[i].embedding }));
  assert.match((await audit(named)).info.why!, /^All speakers sound like one person/);
});

test("audit leaves out utterances of unknown speakers, and counts them", async () => {
  const rows = voices(30, 3);
  const { summary } = await audit([...rows, { ...rows[0], key: "x_unknown", speakerId: null }]);
  assert.is(summary.utterances, 90);
  assert.is(summary.unlabelled, 1);
});

test("wherever the audit is stopped, it is the audit that was stopped", async () => {
  const rows = voices(25, 3);
  let looks = 0;
  for (let stopAt = 1; stopAt === looks + 1 || looks === 0; stopAt++) {
    looks = 0;
    const { signal: abortSignal } = new AbortController();
    Object.defineProperty(abortSignal, "aborted", { get: () => ++looks >= stopAt });
    const error = await audit(rows, { abortSignal }).then(
      () => undefined,
      (reason: unknown) => reason as Error,
    );
    if (error === undefined) break;
    assert.is(error.message, "The audit was stopped on request.");
    looks = stopAt;
  }
  assert.ok(looks > 5, String(looks));
});

test.run();
