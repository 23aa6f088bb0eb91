import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { makeTrials } from "../../src/scoring/make-trials.js";
import { readScores, readTrials } from "../../src/scoring/read-trials.js";
import { temporaryFolder } from "../tiny.js";

const folder = temporaryFolder("trials");
const file = (text: string) => {
  const path = join(folder, "trials.txt");
  writeFileSync(path, text);
  return path;
};

const reading = suite("readTrials");
const want = [
  { enroll: "a/1.wav", test: "a/2.wav", isTarget: true },
  { enroll: "a/1.wav", test: "b/1.wav", isTarget: false },
];
for (const [name, text, order] of [
  ["Kaldi and WeSpeaker", "a/1.wav a/2.wav target\na/1.wav b/1.wav nontarget\n", "enroll test label"],
  ["VoxCeleb", "1 a/1.wav a/2.wav\n0 a/1.wav b/1.wav", "label enroll test"],
  [
    "numbers behind, tabs, Windows' line ends, a blank line",
    "a/1.wav\ta/2.wav\t1\r\n\r\na/1.wav\tb/1.wav\t0\r\n",
    "enroll test label",
  ],
] as const)
  reading(`takes the order of ${name}`, () => {
    assert.equal(readTrials(file(text)), { trials: want, order });
  });
reading("takes trials without labels", () => {
  assert.equal(readTrials(file("a b\na c\n")), {
    trials: [
      { enroll: "a", test: "b" },
      { enroll: "a", test: "c" },
    ],
    order: "enroll test",
  });
});
reading("tells utterances called 0 and 1 from labels, or asks", () => {
  assert.is(readTrials(file("1 2 0\n7 3 1\n")).order, "enroll test label");
  assert.is(readTrials(file("1 1 target\n1 0 nontarget\n")).order, "enroll test label");
  assert.is(readTrials(file("1 a 1\n0 b 7\n")).order, "label enroll test");
});
reading("refuses what it cannot read, with the line", () => {
  assert.throws(() => readTrials(join(folder, "none.txt")), /The list of trials .*none\.txt does not exist/);
  assert.throws(() => readTrials(file("")), /is empty\. A line is "enroll test \[target/);
  assert.throws(() => readTrials(file("a b target\na b\n")), /Line 2 of .* has 2 words, line 1 has 3/);
  assert.throws(() => readTrials(file("a b c d\n")), /Line 1 of .* has 4 words/);
  assert.throws(() => readTrials(file("a b target\na c maybe\n")), /label in line 2 of .* is "maybe"/);
  assert.throws(() => readTrials(file("1 a b\n2 a c\n")), /label in line 2 of .* is "2"/);
  assert.throws(() => readTrials(file("1 0 0\n0 7 1\n")), /begin and end with 0 or 1/);
  assert.throws(
    () => readTrials(file("a b target\na c target\na b nontarget\n")),
    /Lines 1 and 3 of .* label the same trial, a b, in two ways/,
  );
  assert.throws(
    () => readTrials(file("1 a b\n0 b a\n")),
    /Lines 1 and 2 of .* label the same trial, b a, in two ways/,
  );
  assert.is(readTrials(file("1 0 0\n0 7 1\n"), { order: "label enroll test" }).trials[1].test, "1");
});
reading.run();

const scores = suite("readScores");
scores("takes what WeSpeaker and SpeechBrain write, and scores without labels", () => {
  const trials = [
    { enroll: "a", test: "b", score: 0.5, isTarget: true },
    { enroll: "a", test: "c", score: -0.25, isTarget: false },
  ];
  assert.equal(readScores(file("a b 0.5 target\na c -0.25 nontarget\n")), trials);
  assert.equal(readScores(file("a b 1 0.5\na c 0 -2.5e-1\n")), trials);
  assert.equal(
    readScores(file("a b 0.5\na c -0.25\n")),
    trials.map(({ isTarget, ...trial }) => trial),
  );
});
scores("refuses what is no score, with the line", () => {
  assert.throws(() => readScores(file("a b 0.5 target\na b nan target\n")), /score in line 2 .* is "nan"/);
  assert.throws(() => readScores(file("a b 1 0\na b 0 0\n")), /which is the score is not clear/);
  assert.throws(() => readScores(file("a b 0.5 target\na b 0.5 x\n")), /label in line 2 .* is "x"/);
  assert.throws(() => readScores(file("a b 0x10 target\n")), /score in line 1 .* is "0x10"/);
  assert.throws(
    () => readScores(file("a b 0.5 target\na c 0 nontarget\nb a 0.5 nontarget\n")),
    /Lines 1 and 3 of .* label the same trial, b a, in two ways/,
  );
});
scores.run();

const making = suite("makeTrials");
const utterances = (spec: [speaker: string | null, session: string | undefined][], dataset = "d") =>
  spec.map(([speakerId, session], i) => ({ key: `${dataset}${i}`, dataset, speakerId, session }));
const grid = utterances(
  ["a", "b", "c"].flatMap((speaker) =>
    [0, 0, 1, 1, 2, 2].map((session): [string, string] => [speaker, `${speaker}${session}`]),
  ),
);
const by = new Map(grid.map((utterance) => [utterance.key, utterance]));
making("is balanced, has no pair twice, and is the same in every run", () => {
  const { trials, without } = makeTrials(grid, { perSpeaker: 10 });
  assert.equal(without, []);
  const targets = trials.filter(({ isTarget }) => isTarget);
  assert.equal([targets.length, trials.length], [30, 60]);
  for (const { enroll, test, isTarget } of trials)
    assert.is(by.get(enroll)!.speakerId === by.get(test)!.speakerId, isTarget);
  assert.is(new Set(trials.map(({ enroll, test }) => [enroll, test].sort().join())).size, 60);
  assert.equal(makeTrials(grid, { perSpeaker: 10 }).trials, trials);
  assert.not.equal(makeTrials(grid, { perSpeaker: 10, seed: 2 }).trials, trials);
});
making("joins no two of a session as a target unless asked", () => {
  const inSession = (trials: { enroll: string; test: string; isTarget?: boolean }[]) =>
    trials.filter(
      ({ enroll, test, isTarget }) => isTarget && by.get(enroll)!.session === by.get(test)!.session,
    ).length;
  assert.is(inSession(makeTrials(grid).trials), 0);
  assert.is(makeTrials(grid).trials.filter(({ isTarget }) => isTarget).length, 3 * 12);
  const all = makeTrials(grid, { crossSession: false }).trials;
  assert.is(inSession(all), 9);
});
making("leaves out who is unknown or has one session, and stays within a data set", () => {
  const mixed = [
    ...utterances([
      ["a", "1"],
      ["a", "2"],
      ["b", "3"],
      ["b", "3"],
      [null, "4"],
      ["c", undefined],
      ["c", undefined],
    ]),
    ...utterances(
      [
        ["a", "1"],
        ["a", "2"],
        ["z", "3"],
        ["z", "4"],
      ],
      "e",
    ),
  ];
  const { trials, without } = makeTrials(mixed);
  assert.equal(without, ["d/b"]);
  assert.ok(trials.every(({ enroll, test }) => enroll[0] === test[0]));
  assert.ok(!trials.some(({ enroll, test }) => enroll === "d4" || test === "d4"));
  // Without sessions each utterance is one of its own.
  assert.ok(trials.some(({ enroll, test, isTarget }) => isTarget && enroll === "d5" && test === "d6"));
});
making("refuses what gives no trials", () => {
  assert.throws(
    () =>
      makeTrials(
        utterances([
          ["a", "1"],
          ["a", "1"],
          ["b", "2"],
        ]),
      ),
    /crossSession: false/,
  );
  assert.throws(
    () =>
      makeTrials(
        utterances([
          ["a", "1"],
          ["a", "2"],
        ]),
      ),
    /no other speaker beside a in d/,
  );
  assert.throws(() => makeTrials(grid, { perSpeaker: 0 }), /perSpeaker is 0/);
  assert.throws(() => makeTrials([grid[0], grid[0]]), /Two utterances have the key d0/);
});
making.run();
