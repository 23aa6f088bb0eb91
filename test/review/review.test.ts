import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Finding } from "../../src/audit/finding.js";
import { appendDecision } from "../../src/decisions/append-decision.js";
import { reviewItems } from "../../src/review/items.js";
import { recordingsOf } from "../../src/review/recordings.js";
import { type Review, review } from "../../src/review/review.js";
import { serveDesk } from "../../src/review/serve-desk.js";
import { hasMap, speakersMap } from "../../src/review/speakers-map.js";
import { decide } from "../decisions/decide.js";
import { put, temporaryFolder, tinyCorpus } from "../tiny.js";

const folder = temporaryFolder();
const root = tinyCorpus(join(folder, "speech"), {
  "x/a/1.wav": 1,
  "x/a/2.wav": 1,
  "x/b/1.wav": 9,
  "x/b/2.wav": 9,
});
const utterances = ["a", "b"].flatMap((speakerId, s) =>
  ["1", "2"].map((name, u) => ({
    key: `x_${speakerId}_${name}`,
    dataset: "x",
    speakerId,
    utteranceId: name,
    path: join(root, "x", speakerId, `${name}.wav`),
    embedding: Float32Array.from({ length: 6 }, (_, k) => Math.sin(3 * s + k) + 0.2 * Math.sin(7 * u + k)),
  })),
);
const recordings = recordingsOf(utterances);
const info = (speakerId: string) => ({ key: `x_${speakerId}`, dataset: "x", speakerId, numUtterances: 2 });
const pair = { speaker1: info("a"), speaker2: info("b"), similarity: 0.7 };

const shown = (desk: Review) =>
  (desk as unknown as Record<symbol, () => Promise<Record<string, string>>>)[
    Symbol.for("Jupyter.display")
  ]!();

test("pairs, utterances and findings become questions with voices, facts and choices", () => {
  const [names, keys, utterance, finding] = reviewItems(
    [
      pair,
      ["x_a_1", "x_b_2"],
      { key: "x_a_1", similarity: 0.31, nearestSpeaker: "x_b", nearestSimilarity: 0.5 },
      {
        kind: "splitSpeaker",
        keys: ["x_a", "x_b"],
        score: 3,
        probability: 0.7,
        evidence: { cosine: 0.7, utterances1: 2, utterances2: 2, listen: ["x_a_2", "x_b_1"] },
        remedy: { action: "mergeNames", names: ["x_a", "x_b"] },
      },
    ],
    recordings,
  );
  assert.is(names!.title, "Are x_a and x_b one person?");
  assert.equal(
    names!.voices.map(({ key }) => key),
    ["x_a_1", "x_b_1"],
  );
  assert.equal(names!.facts[0], ["cosine of the speakers", "0.700"]);
  assert.equal(
    keys!.voices.map(({ key, label }) => [key, label]),
    [
      ["x_a_1", "x_a"],
      ["x_b_2", "x_b"],
    ],
  );
  assert.equal(
    utterance!.actions.map(({ action }) => action),
    ["keep", "drop", "relabel", "unsure"],
  );
  assert.equal(
    utterance!.voices.map(({ key }) => key),
    ["x_a_1", "x_b_1"],
  );
  assert.equal(
    finding!.actions.slice(0, 3).map(({ action, to, label }) => [action, to, label]),
    [
      ["mergeNames", "x_a", "One person: call both x_a"],
      ["keep", undefined, "Two people"],
      ["unsure", undefined, "Unsure"],
    ],
  );
  assert.equal(
    finding!.voices.map(({ key }) => key),
    ["x_a_2", "x_b_1"],
  );
  assert.throws(() => reviewItems([{} as never], recordings), /\{\} is nothing to review/);
});

test("the choice about copies names the recording that is kept", () => {
  const choices = (["equalFiles", "nearCopies"] as const).map(
    (kind) =>
      reviewItems(
        [
          {
            kind,
            keys: ["x_a_1", "x_a_2"],
            score: 3,
            probability: 0.4,
            evidence: {},
            remedy: { action: "keepOne", to: "x_a_2" },
          },
        ],
        recordings,
      )[0]!.actions[0]!,
  );
  assert.equal(
    choices.map(({ label, to }) => [label, to]),
    [
      ["The same: keep x_a_2", "x_a_2"],
      ["Copies: keep x_a_2", "x_a_2"],
    ],
  );
});

test("the evidence has words and units, and what is asked of a doubt is what is doubted", () => {
  const item = (
    kind: Finding["kind"],
    keys: string[],
    evidence: Finding["evidence"],
    remedy: Finding["remedy"],
  ) => reviewItems([{ kind, keys, score: -0.3, probability: 0.999, evidence, remedy }], recordings)[0]!;
  const noisy = item(
    "lowSnr",
    ["x_a_1"],
    { snrDb: 6.42, limit: 6, seconds: 0.456, path: "a.wav" },
    { action: "keep" },
  );
  assert.is(noisy.title, "Is x_a_1 too noisy to keep?");
  assert.equal(noisy.facts, [
    ["probability", "> 99 %"],
    ["score, log odds", "-0.3"],
    ["speech above the noise", "6.4 dB"],
    ["limit", "6.0 dB"],
    ["length", "0.46 s"],
    ["file", "a.wav"],
  ]);
  const clipped = item(
    "clipped",
    ["x_a_1"],
    { partAtFullScale: 0.01234, limit: 0.001, seconds: 3, path: "a.wav" },
    { action: "keep" },
  );
  assert.equal(clipped.facts.slice(2, 4), [
    ["samples at full scale", "1.2 %"],
    ["limit", "0.1 %"],
  ]);
  const copies = item(
    "nearCopies",
    ["x_a_1", "x_a_2"],
    {
      correlation: 0.98765,
      lagSeconds: -0.1,
      secondsCompared: 3.456,
      seconds1: 3.6,
      seconds2: 3.5,
      speaker1: null,
      speaker2: "x_b",
      path1: "a.wav",
      path2: "b.wav",
      listen: ["x_a_1", "x_a_2"],
    },
    { action: "keepOne", to: "x_a_1" },
  );
  assert.equal(copies.facts.slice(2), [
    ["correlation of the sound", "0.988"],
    ["shifted by", "-0.10 s"],
    ["compared over", "3.5 s"],
    ["lengths", "3.6 s, 3.5 s"],
    ["said to be", "unknown, x_b"],
    ["first file", "a.wav"],
    ["second file", "b.wav"],
  ]);
  const two = item(
    "severalVoices",
    ["x_a_1"],
    {
      similarityAcross: 0.0264,
      usualSimilarity: 0.524,
      changeSeconds: 0.5,
      seconds: 1,
      path: "a.wav",
      listen: ["x_a_1"],
    },
    { action: "drop" },
  );
  assert.equal(
    two.voices.map(({ at, detail }) => [at, detail]),
    [[0.5, "the line is where the voice seems to change"]],
  );
  assert.equal(two.facts.slice(2, 5), [
    ["cosine across the change", "0.026"],
    ["usual cosine", "0.524"],
    ["change of voice at", "0.50 s"],
  ]);
  const narrow = item(
    "narrowBand",
    ["x_a_1"],
    { bandwidthHz: 4012.3, limit: 5200, seconds: 3, path: "a.wav" },
    { action: "keep" },
  );
  assert.equal(narrow.facts.slice(2, 4), [
    ["bandwidth", "4,012 Hz"],
    ["limit", "5,200 Hz"],
  ]);
});

test("a recording without an embedding is heard by the path in the evidence", async () => {
  const silent: Finding = {
    kind: "nonSpeech",
    keys: ["x_a_silent"],
    score: 40,
    probability: 1,
    evidence: { reason: "digital silence", path: utterances[0]!.path },
    remedy: { action: "drop" },
  };
  const desk = review([silent], { utterances, decisions: join(folder, "silent.jsonl"), by: "anna" });
  assert.equal(
    desk.items[0]!.voices.map(({ key }) => key),
    ["x_a_silent"],
  );
  // Beside pairs of keys, which are lists with methods of that name.
  assert.is(review([["x_a_1", "x_b_1"], silent], { utterances }).items.length, 2);
  const { clips, wanted } = await desk.page(join(folder, "silent"));
  assert.equal([clips, wanted], [1, 1]);
});

test("the map keeps recordings of one speaker together, on one scale", () => {
  const [item] = reviewItems([pair], recordings);
  const { groups, points, apart } = speakersMap(item!, recordings)!;
  assert.equal(groups, ["x_a", "x_b"]);
  // Two speakers say nothing of how far others are apart.
  assert.is(apart, undefined);
  const x = points.map(([x]) => x);
  assert.ok(Math.max(x[0]!, x[1]!) < Math.min(x[2]!, x[3]!), String(x));
  assert.ok(Math.abs(x[0]! - x[1]!) < Math.abs(x[0]! - x[2]!) / 3);
  const bare = recordingsOf(utterances.map(({ embedding: _, ...rest }) => rest));
  assert.equal(
    [hasMap(item!, recordings), hasMap(item!, bare), speakersMap(item!, bare)],
    [true, false, undefined],
  );
});

test("the map of a name that may hold two people tells their voices apart", () => {
  const ofOneName = [...utterances, { ...utterances[0]!, key: "x_b_silent" }].map((row) => ({
    ...row,
    speakerId: "c",
  }));
  const known = recordingsOf(ofOneName);
  const parts: [string[], string[]] = [
    ["x_a_1", "x_a_2"],
    ["x_b_1", "x_b_2"],
  ];
  const [item] = reviewItems(
    [
      {
        kind: "mergedSpeakers",
        keys: ["x_c"],
        score: 3,
        probability: 0.9,
        evidence: { utterances1: 2, utterances2: 2, listen: ["x_a_2", "x_b_1"] },
        remedy: { action: "splitName", parts },
      },
    ],
    known,
  );
  assert.equal(
    item!.voices.map(({ label, detail }) => [label, detail]),
    [
      ["voice 1 of x_c", "one of its 2 recordings"],
      ["voice 2 of x_c", "one of its 2 recordings"],
    ],
  );
  const { groups, points } = speakersMap(item!, known)!;
  assert.equal(groups, ["voice 1 of x_c", "voice 2 of x_c", "others of x_c"]);
  assert.equal(
    points.map(([, , group, , key]) => [key, group]),
    [
      ["x_a_1", 0],
      ["x_a_2", 0],
      ["x_b_1", 1],
      ["x_b_2", 1],
      ["x_b_silent", 2],
    ],
  );
  const [a1, a2, b1, b2] = points.map(([x]) => x);
  assert.ok(Math.max(a1!, a2!) < Math.min(b1!, b2!), "the first axis leads from voice to voice");
});

test("the map has room for two people, so that one under two names lies closer than two people do", () => {
  // Four people in right angles, the first of whom has two names.
  const rows = ["a", "b", "c", "d", "e"].flatMap((speakerId, s) =>
    [0, 1].map((u) => ({
      key: `${speakerId}${u}`,
      dataset: "x",
      speakerId,
      embedding: Float32Array.from({ length: 6 }, (_, k) =>
        k === Math.max(0, s - 1) ? 1 : 0.2 * Math.sin(7 * u + 3 * s + k),
      ),
    })),
  );
  const known = recordingsOf(rows);
  const gapOf = (one: string, other: string) => {
    const [item] = reviewItems([{ ...pair, speaker1: info(one), speaker2: info(other) }], known);
    const { points, apart } = speakersMap(item!, known)!;
    const mean = (group: number) =>
      points.filter(([, , g]) => g === group).reduce((sum, [x]) => sum + x / 2, 0);
    return { gap: Math.abs(mean(0) - mean(1)) / apart!, points };
  };
  const [one, two] = [gapOf("a", "b"), gapOf("a", "c")];
  assert.ok(one.gap < 0.5 && two.gap > 0.75, `${one.gap} ${two.gap}`);
  for (const [x, y] of [...one.points, ...two.points]) assert.ok(x >= 0 && x <= 1000 && y >= 0 && y <= 600);
});

test("in a notebook a decision is on the disk when it is answered; another person's and another day's are there", async () => {
  const file = join(folder, "desk", "decisions.jsonl");
  const theirs = join(folder, "ben.jsonl");
  appendDecision(theirs, decide("pair", ["x_b", "x_a"], "different", { by: "ben" }));
  const desk = {
    title: "t",
    items: reviewItems([pair], recordings),
    recordings,
    files: [file, theirs],
    by: "anna",
  };
  const hello = await serveDesk(desk, { type: "hello" });
  assert.equal(
    (hello!.content.decisions as { by: string }[]).map(({ by }) => by),
    ["ben"],
  );
  const decision = decide("pair", ["x_a", "x_b"], "same", { by: "somebody else", minute: 3 });
  const answer = await serveDesk(desk, { type: "decide", token: "7", decision });
  assert.equal([answer!.content.type, answer!.content.token], ["saved", "7"]);
  assert.match(
    readFileSync(file, "utf8"),
    /^\{"kind":"pair","keys":\["x_a","x_b"\],"action":"same","by":"anna"/,
  );
  const refused = await serveDesk(desk, {
    type: "decide",
    token: "8",
    decision: decide("pair", ["q", "r"], "same"),
  });
  assert.equal([refused!.content.type, refused!.content.reason], ["refused", "This is none of the items."]);
  const nonsense = await serveDesk(desk, { type: "decide", token: "9", decision: { kind: "pair" } });
  assert.match(String(nonsense!.content.reason), 'has no "action"');
  const again = review([pair], { utterances, decisions: [file, theirs], by: "anna" });
  const { disagreements, left } = again.decided();
  assert.equal([disagreements.length, left], [1, []]);
});

test("a decision that cannot be written is refused with the reason, and not taken for saved", async () => {
  const desk = {
    title: "t",
    items: reviewItems([pair], recordings),
    recordings,
    files: [join(put(join(folder, "file"), ""), "decisions.jsonl")],
    by: "anna",
  };
  const decision = decide("pair", ["x_a", "x_b"], "same");
  const { content } = (await serveDesk(desk, { type: "decide", token: "1", decision }))!;
  assert.is(content.type, "refused");
  assert.match(String(content.reason), /^Not saved: .*ENOTDIR|EEXIST/);
});

test("voices come as bytes, with their spectrogram; what is not there says so", async () => {
  const desk = {
    title: "t",
    items: reviewItems([pair], recordings),
    recordings,
    files: ["none"],
    by: "anna",
  };
  const { content, buffers } = (await serveDesk(desk, { type: "voice", key: "x_a_1" }))!;
  assert.is(content.mime, "audio/wav");
  assert.equal(
    buffers!.map((bytes) => Buffer.from(bytes).toString("latin1", 0, 4)),
    ["RIFF", "\x89PNG"],
  );
  assert.match(
    String((await serveDesk(desk, { type: "voice", key: "q" }))!.content.problem),
    "not known where",
  );
});

test("where there is no kernel, or nobody at it, the desk is a page beside the decisions", async () => {
  const file = join(folder, "results", "decisions.jsonl");
  const desk = review([pair, { key: "x_a_1" }], { utterances, decisions: file, by: "anna", title: "<b>" });
  const bundle = await shown(desk);
  assert.match(
    bundle["text/plain"]!,
    /^A listening desk with 2 items and 2 recordings: open .*review\/index.html in a browser/,
  );
  assert.ok(existsSync(join(folder, "results", "review", "index.html")));
  assert.not.ok(existsSync(file));
  assert.match(readFileSync(join(folder, "results", "review", "data.js"), "utf8"), "anna");
});

test("an attended kernel shows the desk as a widget, the same one every time", async () => {
  const sent: unknown[] = [];
  let hear: (question: object) => Promise<void> = async () => {};
  let made = 0;
  const place = globalThis as Record<symbol, unknown>;
  place[Symbol.for("speakerscope.kernel")] = {
    isAttended: () => true,
    widget({ esm }: { esm: string }) {
      made++;
      assert.match(esm, "export default { render };");
      return {
        on: (_event: string, callback: typeof hear) => {
          hear = callback;
        },
        send: (...message: unknown[]) => void sent.push(message),
        [Symbol.for("Jupyter.display")]: () => ({ "text/plain": "widget" }),
      };
    },
  };
  try {
    const desk = review([pair], { utterances, decisions: join(folder, "w.jsonl"), by: "anna" });
    assert.equal(await shown(desk), { "text/plain": "widget" });
    await shown(desk);
    assert.is(made, 1);
    await hear({ type: "hello" });
    assert.is((sent[0] as [{ type: string }])[0].type, "desk");
  } finally {
    delete place[Symbol.for("speakerscope.kernel")];
  }
});

test.run();
