import { test } from "uvu";
import * as assert from "uvu/assert";
import { applyDecisions } from "../../src/decisions/apply-decisions.js";
import type { Decision } from "../../src/decisions/decision.js";
import { decide } from "./decide.js";

/** Recordings by their short names: `a1` is the first of speaker a. */
const rows = (names: string, dataset = "x") =>
  names
    .split(" ")
    .map((name) => ({ key: `${dataset}_${name[0]}_${name}`, dataset, speakerId: name[0]! as string | null }));
const corpus = { root: "speech", utterances: rows("a1 a2 a3 b1 b2 c1 c2 d1") };
const k = (name: string, dataset = "x") => `${dataset}_${name[0]}_${name}`;
const by = "ben";

/** Who is under which name afterwards: `a: a1 a2`. */
const shown = (utterances: { key: string; speakerId: string | null; dataset: string }[]) => {
  const names = new Map<string, string[]>();
  for (const { key, speakerId } of utterances)
    names.set(String(speakerId), [
      ...(names.get(String(speakerId)) ?? []),
      key.slice(key.lastIndexOf("_") + 1),
    ]);
  return Array.from(names, ([name, own]) => `${name}: ${own.join(" ")}`).join(", ");
};
const after = (...decisions: Decision[]) => shown(applyDecisions(corpus, decisions).corpus.utterances);

test("recordings are left out, relabelled and kept", () => {
  const {
    corpus: rest,
    changes,
    summary,
  } = applyDecisions(corpus, [
    decide("nonSpeech", [k("a1")], "drop"),
    decide("wrongLabel", [k("b1")], "relabel", { to: "x_a" }),
    decide("wrongLabel", [k("b2")], "keep"),
    decide("utterance", [k("d1")], "unsure"),
  ]);
  assert.is(shown(rest.utterances), "a: a2 a3 b1, b: b2, c: c1 c2, d: d1");
  assert.is(rest.root, "speech");
  assert.equal(
    changes.map(({ key, from, to, change }) => [key, from, to, change]),
    [
      [k("a1"), "x_a", null, "drop"],
      [k("b1"), "x_b", "x_a", "relabel"],
    ],
  );
  assert.equal(summary, { utterances: 7, dropped: 1, relabelled: 1, namesGone: 0, unsure: 1 });
  assert.is(corpus.utterances[3]!.speakerId, "b");
});

test("names of one person become one, through chains, and relabelling follows", () => {
  const merges = [
    decide("splitSpeaker", ["x_a", "x_b"], "mergeNames", { to: "x_a" }),
    decide("splitSpeaker", ["x_b", "x_c"], "mergeNames", { to: "x_b" }),
  ];
  assert.is(after(...merges), "a: a1 a2 a3 b1 b2 c1 c2, d: d1");
  assert.is(
    after(...merges.reverse(), decide("wrongLabel", [k("d1")], "relabel", { to: "x_c" })),
    "a: a1 a2 a3 b1 b2 c1 c2 d1",
  );
  assert.is(
    after(decide("splitSpeaker", ["x_b", "x_a"], "mergeNames")),
    "a: a1 a2 a3 b1 b2, c: c1 c2, d: d1",
  );
  assert.is(after(decide("pair", ["x_b", "x_a"], "same")), "a: a1 a2 a3 b1 b2, c: c1 c2, d: d1");
});

test("a name of two people becomes two, and a recording that is relabelled goes where it was told", () => {
  const split = decide("mergedSpeakers", ["x_a"], "splitName", { parts: [[k("a1")], [k("a2"), k("a3")]] });
  assert.is(after(split), "a: a1, a~2: a2 a3, b: b1 b2, c: c1 c2, d: d1");
  assert.is(
    after(split, decide("wrongLabel", [k("a3")], "relabel", { to: "x_b" })),
    "a: a1, a~2: a2, b: a3 b1 b2, c: c1 c2, d: d1",
  );
});

test("of copies one is kept; of one person in two data sets, what is told", () => {
  assert.is(
    after(decide("equalFiles", [k("a1"), k("b1"), k("b2")], "keepOne", { to: k("b1") })),
    "a: a2 a3, b: b1, c: c1 c2, d: d1",
  );
  const two = { utterances: [...rows("a1 a2"), ...rows("a1 b1", "y")] };
  const { info, corpus: same } = applyDecisions(two, [decide("leakage", ["x_a", "y_b"], "keepOnOneSide")]);
  assert.equal([info.oneSide, same.utterances], [[["x_a", "y_b"]], two.utterances]);
  const merged = applyDecisions(two, [decide("leakage", ["x_a", "y_b"], "mergeNames", { to: "x_a" })]);
  // Another person is called a in the data set y.
  assert.equal(
    merged.corpus.utterances.map(({ speakerId }) => speakerId),
    ["a", "a", "a", "x_a"],
  );
  const one = applyDecisions(two, [decide("leakage", ["x_a", "y_b"], "keepOne", { to: "x_a" })]);
  assert.is(one.corpus.utterances.length, 3);
});

test("applied twice, the same decisions change nothing", () => {
  const decisions = [
    decide("nonSpeech", [k("a1")], "drop"),
    decide("wrongLabel", [k("c1")], "relabel", { to: "x_b" }),
    decide("wrongLabel", [k("c2")], "relabel", { to: "new" }),
    decide("splitSpeaker", ["x_b", "x_d"], "mergeNames", { to: "x_d" }),
    decide("mergedSpeakers", ["x_a"], "splitName", { parts: [[k("a2")], [k("a3")]] }),
  ];
  const once = applyDecisions(corpus, decisions);
  assert.is(shown(once.corpus.utterances), "a: a2, a~2: a3, d: b1 b2 c1 d1, new: c2");
  assert.equal(once.info.newNames, ["x_a~2", "x_new"]);
  const twice = applyDecisions(once.corpus, decisions);
  assert.equal(twice.changes, []);
  assert.equal(twice.corpus, once.corpus);
});

test("keys that the corpus does not have are refused, unless told to go on", () => {
  const stranger = decide("wrongLabel", ["x_z_z1"], "drop");
  assert.throws(
    () => applyDecisions(corpus, [stranger]),
    /The corpus has no "x_z_z1" \(drop of "x_z_z1", by anna\)/,
  );
  const { info, changes } = applyDecisions(corpus, [stranger], { allowUnknown: true });
  assert.equal([info.unknown, changes], [["x_z_z1"], []]);
});

for (const [what, decisions, message] of [
  [
    "a recording that is dropped and relabelled",
    [decide("nonSpeech", [k("a1")], "drop"), decide("wrongLabel", [k("a1")], "relabel", { to: "x_b", by })],
    /"x_a_a1" cannot be both: drop of "x_a_a1", by anna; relabel of "x_a_a1" to "x_b", by ben/,
  ],
  [
    "merges in a circle",
    [
      decide("splitSpeaker", ["x_a", "x_b"], "mergeNames", { to: "x_a" }),
      decide("splitSpeaker", ["x_b", "x_c"], "mergeNames", { to: "x_b" }),
      decide("splitSpeaker", ["x_c", "x_a"], "mergeNames", { to: "x_c" }),
    ],
    /go in a circle/,
  ],
  [
    "one person under two new names",
    [
      decide("splitSpeaker", ["x_a", "x_b"], "mergeNames", { to: "x_a" }),
      decide("splitSpeaker", ["x_b", "x_c"], "mergeNames", { to: "x_c" }),
    ],
    /would be called both "x_a" and "x_c"/,
  ],
  [
    "names that are merged and are two people",
    [
      decide("splitSpeaker", ["x_a", "x_b"], "mergeNames"),
      decide("splitSpeaker", ["x_b", "x_c"], "mergeNames"),
      decide("pair", ["x_a", "x_c"], "different", { by }),
    ],
    /"x_a" and "x_c" are two people \(different of "x_a" and "x_c", by ben\)/,
  ],
  [
    "a name that is split into recordings of another",
    [
      decide("mergedSpeakers", ["x_a"], "splitName", {
        parts: [
          [k("a1"), k("a2")],
          [k("a3"), k("b1")],
        ],
      }),
    ],
    /"x_b_b1" is of "x_b", not of "x_a", which is split \(split_name of "x_a", by anna\)/,
  ],
  [
    "copies that would all go",
    [
      decide("equalFiles", [k("a1"), k("b1")], "keepOne", { to: k("a1") }),
      decide("nearCopies", [k("a1"), k("b1")], "keepOne", { to: k("b1") }),
    ],
    /its copies would all be left out/,
  ],
] as [string, Decision[], RegExp][])
  test(`${what}: a contradiction that names both decisions`, () => {
    assert.throws(() => applyDecisions(corpus, decisions), message);
  });

test("a person may agree that a recording is a copy to leave out, and that its label is wrong", () => {
  const copy = decide("nearCopies", [k("a1"), k("b1")], "keepOne", { to: k("b1") });
  const relabel = decide("wrongLabel", [k("a1")], "relabel", { to: "x_b" });
  for (const decisions of [
    [copy, relabel],
    [relabel, copy],
  ])
    assert.is(after(...decisions), "a: a2 a3, b: b1 b2, c: c1 c2, d: d1");
});

test("what is relabelled to a name that is split goes with its part", () => {
  const relabel = decide("wrongLabel", [k("b1")], "relabel", { to: "x_a" });
  const parts = [
    [k("a1"), k("a2")],
    [k("a3"), k("b1")],
  ];
  assert.is(
    after(relabel, decide("mergedSpeakers", ["x_a"], "splitName", { parts })),
    "a: a1 a2, a~2: a3 b1, b: b2, c: c1 c2, d: d1",
  );
});

test("a person's word stands against the audit's, and of two proposals the recording goes", () => {
  const audit = { by: "audit" };
  const drop = decide("nonSpeech", [k("a1")], "drop", audit);
  const relabel = decide("wrongLabel", [k("a1")], "relabel", { to: "x_b", ...audit });
  assert.is(after(relabel, drop), "a: a2 a3, b: b1 b2, c: c1 c2, d: d1");
  assert.is(after(drop, { ...relabel, by }), "b: a1 b1 b2, a: a2 a3, c: c1 c2, d: d1");
  assert.is(after(drop, relabel, decide("utterance", [k("a1")], "keep")), shown(corpus.utterances));
});

test("what two people disagree about stays as it is", () => {
  const { changes, info } = applyDecisions(corpus, [
    decide("wrongLabel", [k("a1")], "drop"),
    decide("wrongLabel", [k("a1")], "keep", { by }),
  ]);
  assert.equal([changes, info.disagreements.length], [[], 1]);
});

test("utterances may be keyed as in a .npz file, and their speakers be unknown", () => {
  const own = {
    utterances: [
      { ...rows("a1")[0]!, utteranceId: "a1" },
      { key: "x__q", dataset: "x", speakerId: null },
    ],
  };
  const { corpus: rest } = applyDecisions(own, [
    decide("wrongLabel", ["x/a/a1"], "drop"),
    decide("utterance", ["x__q"], "relabel", { to: "a" }),
  ]);
  assert.equal(
    rest.utterances.map(({ speakerId }) => speakerId),
    ["a"],
  );
});

test.run();
