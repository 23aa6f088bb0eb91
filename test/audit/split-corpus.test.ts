import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Finding } from "../../src/audit/finding.js";
import { splitCorpus } from "../../src/audit/split-corpus.js";
import { random } from "../../src/vectors/random.js";

const next = random(4);
const rows = Array.from({ length: 60 }, (_, s) =>
  Array.from({ length: 1 + Math.floor(9 * next()) }, (_, u) => ({
    key: `x_s${s}_u${u}`,
    dataset: "x",
    speakerId: `s${s}`,
    seconds: 1 + 9 * next(),
  })),
).flat();
const parts = { train: 0.8, dev: 0.1, test: 0.1 };

const finding = (kind: Finding["kind"], keys: string[], probability = 0.9): Finding => ({
  kind,
  keys,
  score: 3,
  probability,
  evidence: {},
  remedy: { action: "keepOnOneSide", names: keys },
});

test("splitCorpus gives every part its share of the seconds, and nobody to two parts", () => {
  const { parts: dealt, summary } = splitCorpus(rows, { parts });
  assert.is(summary.unit, "seconds");
  assert.is(dealt.train.length + dealt.dev.length + dealt.test.length, rows.length);
  const all = rows.reduce((sum, { seconds }) => sum + seconds, 0);
  for (const name of ["train", "dev", "test"] as const) {
    const amount = dealt[name].reduce((sum, { seconds }) => sum + seconds, 0);
    assert.ok(Math.abs(amount / all - parts[name]) < 0.01, `${name} ${amount / all}`);
    assert.ok(Math.abs(summary.parts[name].share - amount / all) < 1e-9);
  }
  const sides = new Map<string, Set<string>>();
  for (const [name, own] of Object.entries(dealt))
    for (const { speakerId } of own) sides.set(speakerId, (sides.get(speakerId) ?? new Set()).add(name));
  assert.ok([...sides.values()].every((side) => side.size === 1));
});

test("splitCorpus keeps names of one person together, by way of others too", () => {
  const chain = Array.from({ length: 9 }, (_, s) => finding("splitSpeaker", [`x_s${s + 1}`, `x_s${s}`]));
  chain.push(finding("leakage", ["x_s9", "x_s40"]));
  const { parts: dealt, summary } = splitCorpus(rows, { parts, avoid: chain });
  const joined = ["s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s40"];
  for (const own of Object.values(dealt)) {
    const here = joined.filter((id) => own.some(({ speakerId }) => speakerId === id));
    assert.ok(here.length === 0 || here.length === joined.length, here.join());
  }
  assert.is(summary.parts.train.people + summary.parts.dev.people + summary.parts.test.people, 50);
});

test("splitCorpus leaves findings of other kinds and doubts aside", () => {
  const avoid = [finding("mergedSpeakers", ["x_s0"]), finding("leakage", ["x_s1", "x_s2"], 0.3)];
  assert.equal(splitCorpus(rows, { parts, avoid }), splitCorpus(rows, { parts }));
  const people = Object.values(splitCorpus(rows, { parts, avoid, leastProbability: 0.2 }).summary.parts);
  assert.is(
    people.reduce((sum, part) => sum + part.people, 0),
    59,
  );
});

test("splitCorpus deals out alike for any order of the rows", () => {
  const sides = (of: typeof rows) =>
    Object.entries(splitCorpus(of, { parts }).parts)
      .flatMap(([name, own]) => own.map(({ key }) => `${key} ${name}`))
      .sort();
  const shuffle = random(8);
  const shuffled = rows
    .map((row) => [shuffle(), row] as const)
    .sort(([a], [b]) => a - b)
    .map(([, row]) => row);
  assert.equal(sides(shuffled), sides(rows));
});

test("splitCorpus counts utterances where a duration is missing, and takes speakers too", () => {
  const speakers = [10, 20, 30, 40].map((numUtterances, s) => ({
    dataset: "",
    speakerId: String(s),
    numUtterances,
  }));
  const { parts: dealt, summary } = splitCorpus(speakers, { parts: { a: 0.5, b: 0.5 } });
  assert.is(summary.unit, "utterances");
  assert.equal([summary.parts.a.amount, summary.parts.b.amount], [50, 50]);
  assert.equal(dealt.a.map(({ speakerId }) => speakerId).sort(), ["0", "3"]);
});

test("splitCorpus takes a duration that is NaN, null, infinite or negative for none", () => {
  const counted = splitCorpus(
    rows.map(({ seconds: _, ...row }) => row),
    { parts },
  );
  for (const none of [Number.NaN, Number.POSITIVE_INFINITY, -1, null as never]) {
    const { parts: dealt, summary } = splitCorpus(
      rows.map((row, i) => ({ ...row, seconds: i === 7 ? none : row.seconds })),
      { parts },
    );
    assert.equal(summary, counted.summary);
    assert.equal(
      dealt.dev.map(({ key }) => key),
      counted.parts.dev.map(({ key }) => key),
    );
  }
  const speakers = [3, Number.NaN].map((numUtterances, s) => ({
    dataset: "a",
    speakerId: `${s}`,
    numUtterances,
  }));
  assert.throws(() => splitCorpus(speakers, { parts: { a: 0.5, b: 0.5 } }), /a_1 has NaN utterances/);
});

test("splitCorpus takes the length of a span where nothing else says how long it is", () => {
  const spans = rows.map(({ seconds, ...row }) => ({ ...row, span: { start: 2, end: 2 + seconds } }));
  const { summary } = splitCorpus(spans, { parts });
  assert.is(summary.unit, "seconds");
  assert.ok(Math.abs(summary.parts.train.share - 0.8) < 0.01);
  const open = spans.map((row, i) => (i === 3 ? { ...row, span: { start: 2 } } : row));
  assert.is(splitCorpus(open, { parts }).summary.unit, "utterances");
});

test("splitCorpus takes speakers who share a key for two people, unless they are found to be one", () => {
  const two = [
    { dataset: "my_set", speakerId: "x", seconds: 1 },
    { dataset: "my", speakerId: "set_x", seconds: 1 },
    { dataset: "q", speakerId: "1", seconds: 2 },
  ];
  const { parts: dealt } = splitCorpus(two, { parts: { a: 0.5, b: 0.25, c: 0.25 } });
  assert.equal([dealt.a, dealt.b, dealt.c].map(([{ dataset }]) => dataset).toSorted(), ["my", "my_set", "q"]);
  const avoid = [finding("leakage", ["my_set_x", "other_y"])];
  const { summary } = splitCorpus(two, { parts: { a: 0.5, b: 0.5 }, avoid });
  assert.is(summary.parts.a.people + summary.parts.b.people, 2);
});

test("splitCorpus gives somebody to every part", () => {
  const three = rows.filter(({ speakerId }) => ["s1", "s2", "s3"].includes(speakerId));
  const { summary } = splitCorpus(three, { parts });
  assert.equal(
    Object.values(summary.parts).map(({ people }) => people),
    [1, 1, 1],
  );
});

test("splitCorpus leaves out utterances of unknown speakers, and counts them", () => {
  const { parts: dealt, summary } = splitCorpus([...rows, { ...rows[0], key: "?", speakerId: null }], {
    parts,
  });
  assert.is(summary.unlabelled, 1);
  assert.not(
    Object.values(dealt)
      .flat()
      .some(({ key }) => key === "?"),
  );
});

test("splitCorpus says what is wrong with shares and with too few people", () => {
  assert.throws(
    () => splitCorpus(rows, { parts: { train: 0.8, test: 0.1 } }),
    /train 0.8, test 0.1 are no split. Give shares above 0 that sum to 1/,
  );
  assert.throws(
    () => splitCorpus(rows.slice(0, 1), { parts }),
    /There is 1 person for 3 parts, and each needs somebody/,
  );
  assert.throws(() => splitCorpus(rows, { parts, leastProbability: Number.NaN }), /leastProbability is NaN/);
});

const sideOf = (dealt: Record<string, { speakerId: string }[]>) => {
  const sides = new Map<string, string>();
  for (const [name, own] of Object.entries(dealt))
    for (const { speakerId } of own) sides.set(speakerId, name);
  return sides;
};

test("splitCorpus says where everybody is, and keeps them there when others come", () => {
  const some = rows.filter(({ speakerId }) => Number(speakerId.slice(1)) % 3 !== 0);
  const before = splitCorpus(some, { parts, avoid: [finding("leakage", ["x_s2", "x_s1"])] });
  assert.is(before.speakers.length, 40);
  assert.equal(before.speakers[1], { ...before.speakers[1]!, speakerId: "s10", person: "x_s10" });
  assert.is(before.speakers.find(({ speakerId }) => speakerId === "s2")!.person, "x_s1");
  const after = splitCorpus(rows, { parts, keep: before.speakers });
  const sides = sideOf(after.parts);
  for (const { speakerId, part } of before.speakers) assert.is(sides.get(speakerId), part);
  assert.is(sides.size, 60);
  for (const name of ["train", "dev", "test"] as const)
    assert.ok(Math.abs(after.summary.parts[name].share - parts[name]) < 0.02, name);
  // Nobody would have moved if they had been split anew by chance.
  assert.not.equal(sideOf(splitCorpus(rows, { parts }).parts), sides);
});

test("splitCorpus puts another name of somebody who is kept on the same side, also where the old name is gone", () => {
  for (const name of ["train", "dev", "test"] as const) {
    const keep = [{ dataset: "y", speakerId: "gone", part: name }];
    const dealt = splitCorpus(rows, { parts, keep, avoid: [finding("leakage", ["x_s7", "y_gone"])] });
    assert.is(sideOf(dealt.parts).get("s7"), name);
    assert.is(dealt.speakers.find(({ speakerId }) => speakerId === "s7")!.person, "x_s7");
  }
});

test("splitCorpus refuses to leave a part without anybody, and a corpus without speakers", () => {
  const keep = rows.map(({ dataset, speakerId }, i) => ({
    dataset,
    speakerId,
    part: i === 0 ? "dev" : "train",
  }));
  assert.throws(
    () =>
      splitCorpus(rows, { parts, keep: keep.filter(({ speakerId }, i) => i === 0 || speakerId !== "s0") }),
    /Nobody is left for test: too many people are kept in other parts\. Keep fewer, or leave the part out\./,
  );
  assert.throws(
    () => splitCorpus([{ dataset: "x", speakerId: null, seconds: 2 }], { parts }),
    /No speaker is known of 1 utterance, so nobody can be dealt out\./,
  );
});

test("a wrong label's right speaker may be named as the utterance's own data set names her", () => {
  const { speakers } = splitCorpus(rows, { parts });
  const [one, other] = speakers.filter(({ part }) => part === "train").map(({ speakerId }) => speakerId);
  const key = `x_${one}_u0`;
  for (const to of [`x_${other}`, other!]) {
    const found: Finding = { ...finding("wrongLabel", [key]), remedy: { action: "relabel", to } };
    assert.equal(splitCorpus(rows, { parts, avoid: [found] }).leftOut, [], to);
  }
});

test("splitCorpus refuses to keep one person in two parts, or in none of them", () => {
  const keep = [
    { dataset: "x", speakerId: "s1", part: "train" },
    { dataset: "x", speakerId: "s2", part: "test" },
  ];
  assert.throws(
    () => splitCorpus(rows, { parts, keep, avoid: [finding("splitSpeaker", ["x_s1", "x_s2"])] }),
    /^x_s1 is kept in train and x_s2 in test, and they are one person\. Take one of them out of what is kept\.$/,
  );
  assert.throws(
    () => splitCorpus(rows, { parts, keep: [{ ...keep[0]!, part: "eval" }] }),
    /^x_s1 is kept in eval, which is none of the parts train, dev, test\./,
  );
});

test("splitCorpus deals out other people for another seed, and the same for the same", () => {
  const dealt = [1, 2, 2].map((seed) => splitCorpus(rows, { parts, seed }).speakers);
  assert.equal(dealt[1], dealt[2]);
  assert.not.equal(dealt[0], dealt[1]);
  assert.throws(() => splitCorpus(rows, { parts, seed: 0.5 }), /seed is 0\.5/);
});

const ofClip = (
  kind: Finding["kind"],
  keys: string[],
  remedy: Finding["remedy"],
  probability = 0.9,
): Finding => ({ kind, keys, score: 3, probability, evidence: {}, remedy });

test("splitCorpus leaves out an utterance that seems to be of somebody on another side, or of nobody known", () => {
  const sides = sideOf(splitCorpus(rows, { parts }).parts);
  const [here, there] = ["train", "test"].map((part) => [...sides].filter(([, side]) => side === part));
  const relabel = (s: string, to: string, probability?: number) =>
    ofClip("wrongLabel", [`x_${s}_u0`], { action: "relabel", to }, probability);
  const [a, b, c, d, e] = here!.map(([id]) => id) as [string, string, string, string, string];
  const avoid = [
    relabel(a, `x_${there![0]![0]}`),
    relabel(b, `x_${c}`),
    relabel(c, `x_${there![0]![0]}`, 0.4),
    relabel(d, "x_nobody"),
    ofClip("wrongLabel", [`x_${e}_u0`], { action: "drop" }),
  ];
  const { parts: dealt, leftOut, summary } = splitCorpus(rows, { parts, avoid });
  assert.equal(leftOut.map(({ key }) => key).sort(), [a, d, e].map((s) => `x_${s}_u0`).sort());
  assert.is(summary.leftOut, 3);
  const all = Object.values(dealt).flat();
  assert.is(all.length + 3, rows.length);
  const amount = dealt.train.reduce((sum, { seconds }) => sum + seconds, 0);
  assert.ok(Math.abs(summary.parts.train.amount - amount) < 1e-9);
});

test("splitCorpus leaves out the copy of a recording that is kept on another side", () => {
  const sides = sideOf(splitCorpus(rows, { parts }).parts);
  const in_ = (part: string) => [...sides].filter(([, side]) => side === part).map(([id]) => `x_${id}_u0`);
  const [[a, b], [c]] = [in_("train"), in_("dev")] as [[string, string], [string]];
  const avoid = [
    ofClip("equalFiles", [a, c], { action: "keepOne", to: c }),
    ofClip("nearCopies", [a, b], { action: "keepOne", to: a }),
  ];
  const { leftOut } = splitCorpus(rows, { parts, avoid });
  assert.equal(
    leftOut.map(({ key }) => key),
    [a],
  );
});

test("splitCorpus keeps speakers together whose utterances are said to be one voice", () => {
  const avoid = [finding("leakage", ["x_s3_u0", "x_s30_u0"]), finding("leakage", ["x_s30", "x_s31_u0"])];
  const { speakers } = splitCorpus(rows, { parts, avoid });
  const people = ["s3", "s30", "s31"].map((id) => speakers.find(({ speakerId }) => speakerId === id)!.person);
  assert.equal(people, ["x_s3", "x_s3", "x_s3"]);
});

test.run();
