import { spawnSync } from "node:child_process";
import { appendFileSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { appendDecision, decisionLines } from "../../src/decisions/append-decision.js";
import type { Decision } from "../../src/decisions/decision.js";
import { mergeDecisions } from "../../src/decisions/merge-decisions.js";
import { observedPrecision } from "../../src/decisions/observed-precision.js";
import { proposeDecisions } from "../../src/decisions/propose-decisions.js";
import { readDecisions } from "../../src/decisions/read-decisions.js";
import { writeProposals } from "../../src/decisions/write-proposals.js";
import { put, temporaryFolder } from "../tiny.js";
import { decide } from "./decide.js";

const folder = temporaryFolder();
const file = (name: string) => join(folder, name);

test("a decision is a line of its own, and comes back as it was", () => {
  const path = file("deep/er/decisions.jsonl");
  const decisions = [
    decide("wrongLabel", ["x_a_\u2028<img>\n"], "relabel", { to: "x_b", probability: 0.9 }),
    decide("mergedSpeakers", ["x_c"], "splitName", { parts: [["x_c_1"], ["x_c_2"]], minute: 1 }),
  ];
  for (const decision of decisions) appendDecision(path, decision);
  const lines = readFileSync(path, "utf8").split("\n");
  assert.is(lines.length, 3);
  assert.match(
    lines[0]!,
    '{"kind":"wrong_label","keys":["x_a_\\u2028<img>\\n"],"action":"relabel","to":"x_b"',
  );
  assert.equal(readDecisions(path), { decisions, warnings: [] });
});

test("a last line that was cut off is left out with a warning, and does not swallow the next one", () => {
  const path = file("torn.jsonl");
  const first = decide("pair", ["a", "b"], "same");
  appendDecision(path, first);
  appendFileSync(path, '{"kind":"pair","keys":["c');
  const { decisions, warnings } = readDecisions(path);
  assert.equal(decisions, [first]);
  assert.match(warnings[0]!, `Line 2 of ${path} is cut off`);
  appendDecision(path, decide("pair", ["c", "d"], "different"));
  assert.equal(
    readDecisions(path).decisions.map(({ action }) => action),
    ["same", "different"],
  );
  // Whole, and only its end is missing.
  const whole = readFileSync(path, "utf8");
  writeFileSync(path, whole.trimEnd());
  appendDecision(path, decide("pair", ["e", "f"], "unsure"));
  assert.is(readDecisions(path).decisions.length, 3);
});

test("a last line that was no decision from its start is refused, not taken for one that was cut off", () => {
  const path = put(file("table.jsonl"), "kind,key1,key2");
  assert.throws(() => readDecisions(path), /^Line 1 of .*table\.jsonl is "kind,key1,key2", not an object/);
});

test("several processes append to one file, and no line is lost", () => {
  const path = file("shared.jsonl");
  const code = `
    const { appendDecision } = require(${JSON.stringify(join(__dirname, "../../src/decisions/append-decision.ts"))});
    for (let i = 0; i < 20; i++)
      appendDecision(${JSON.stringify(path)}, { kind: "pair", keys: ["a", process.argv[1] + i], action: "same", by: process.argv[1], at: "2026-01-31T09:00:00Z" });`;
  const script = put(file("append.cjs"), code);
  const command = ["anna", "ben", "cy"]
    .map((name) => `"${process.execPath}" --import tsx -e "$(cat ${script})" ${name}`)
    .join(" & ");
  const { status, stderr } = spawnSync("sh", ["-c", `${command} & wait`], { encoding: "utf8" });
  assert.is(status, 0, stderr);
  assert.is(readDecisions(path).decisions.length, 60, stderr);
});

for (const [what, line, message] of [
  ["no JSON", "keep it", 'Line 1 of X is "keep it", not an object'],
  ["no kind", '{"keys":["a"],"action":"keep","by":"a","at":"2026-01-01"}', 'has no "kind"'],
  ["an unknown kind", '{"kind":"noise"}', 'unknown kind "noise". Known are wrong_label, split_speaker'],
  [
    "an action of another kind",
    '{"kind":"pair","action":"drop"}',
    "For pair it must be same, different, unsure, undo",
  ],
  ["no keys", '{"kind":"pair","action":"same","keys":[]}', 'has [] as "keys"'],
  ["no time", '{"kind":"pair","action":"same","keys":["a","b"],"by":"x","at":"noon"}', 'has "noon" as "at"'],
  [
    "nobody to relabel to",
    '{"kind":"utterance","action":"relabel","keys":["a"],"by":"x","at":"2026-01-01"}',
    "but not to whom",
  ],
  [
    "a stranger to keep",
    '{"kind":"equalFiles","action":"keepOne","keys":["a","b"],"to":"c","by":"x","at":"2026-01-01"}',
    'keeps "c", which is none of its keys',
  ],
  [
    "no parts",
    '{"kind":"merged_speakers","action":"split_name","keys":["a"],"by":"x","at":"2026-01-01"}',
    "but not how",
  ],
  [
    "a recording in two parts",
    '{"kind":"merged_speakers","action":"split_name","keys":["a"],"parts":[["u","v"],["w","u"]],"by":"x","at":"2026-01-01"}',
    'has "u" twice in its "parts"',
  ],
])
  test(`a line with ${what} is refused with file and line`, () => {
    const path = put(file("bad.jsonl"), `${line}\n{}\n`);
    assert.throws(
      () => readDecisions(path),
      (error: Error) => error.message.replaceAll(path, "X").includes(message!),
      message,
    );
  });

test("of one person the later decision holds, in whatever order the files are read, and none after an undo", () => {
  const [first, later] = [
    decide("pair", ["a", "b"], "same"),
    decide("pair", ["b", "a"], "different", { minute: 5 }),
  ];
  assert.equal(mergeDecisions([later, first]).decisions, [later]);
  assert.equal(
    mergeDecisions([first, later, decide("pair", ["a", "b"], "undo", { minute: 6 })]).decisions,
    [],
  );
});

test("people outrank the audit, someone who is sure one who is not, and disagreements are listed", () => {
  const by = (name: string, action: "same" | "different" | "unsure") =>
    decide("pair", ["a", "b"], action, { by: name });
  const one = (...all: ReturnType<typeof by>[]) => mergeDecisions(all);
  assert.equal(
    one(by("audit", "same"), by("anna", "different")).decisions.map(({ by }) => by),
    ["anna"],
  );
  assert.equal(
    one(by("audit", "same"), by("anna", "unsure")).decisions.map(({ action }) => action),
    ["unsure"],
  );
  assert.equal(
    one(by("ben", "unsure"), by("anna", "same")).decisions.map(({ by }) => by),
    ["anna"],
  );
  assert.is(one(by("ben", "same"), by("anna", "same")).disagreements.length, 0);
  const { decisions, disagreements } = one(by("ben", "same"), by("anna", "different"), by("audit", "same"));
  assert.equal(decisions, []);
  assert.equal(
    disagreements.map(({ keys, decisions }) => [keys, decisions.map(({ by }) => by)]),
    [
      [
        ["a", "b"],
        ["anna", "ben"],
      ],
    ],
  );
});

test("proposals are what was found, and merge all names of a person into the one with most utterances", () => {
  const finding = (keys: string[], sizes: number[], probability = 0.9) => ({
    kind: "splitSpeaker" as const,
    keys,
    probability,
    remedy: { action: "mergeNames", names: keys },
    evidence: { utterances1: sizes[0], utterances2: sizes[1] },
  });
  const found = [finding(["a", "b"], [2, 5]), finding(["b", "c"], [5, 9]), finding(["d", "e"], [1, 1], 0.4)];
  assert.equal(
    proposeDecisions(found).map(({ keys, to, by, at }) => [keys, to, by, at]),
    [
      [["a", "b"], "c", "audit", ""],
      [["b", "c"], "c", "audit", ""],
    ],
  );
  assert.is(proposeDecisions(found, new Date(0))[0]?.at, "1970-01-01T00:00:00.000Z");
});

test("of copies the one that the findings say is kept, and of several the one that wins most pairs", () => {
  const copies = (keys: [string, string], to: string) => ({
    kind: "nearCopies" as const,
    keys,
    probability: 0.9,
    remedy: { action: "keepOne", to },
  });
  const kept = (...found: ReturnType<typeof copies>[]) => proposeDecisions(found).map(({ to }) => to);
  assert.equal(kept(copies(["a", "b"], "b")), ["b"]);
  assert.equal(kept(copies(["a", "b"], "b"), copies(["c", "d"], "c")), ["b", "c"]);
  assert.equal(kept(copies(["a", "b"], "a"), copies(["a", "c"], "c"), copies(["b", "c"], "c")), [
    "a",
    "c",
    "c",
  ]);
  // Each better than the next, in a circle: as they stand, all three would be left out.
  assert.equal(kept(copies(["a", "b"], "b"), copies(["b", "c"], "c"), copies(["a", "c"], "a")), [
    "a",
    "b",
    "a",
  ]);
});

test("what the audit proposes has no time and comes before what was decided", () => {
  const path = file("timeless");
  const row = { kind: "wrong_label", keys: ["a_1"], action: "drop", by: "audit" };
  appendFileSync(path, `${JSON.stringify(row)}\n`);
  const { decisions } = readDecisions(path);
  assert.is(decisions[0]?.at, "");
  const line = '{"kind":"wrong_label","keys":["a_1"],"action":"drop","by":"audit"}\n';
  assert.equal([...decisionLines(decisions)], [line]);
  const dated = { ...decisions[0]!, action: "keep" as const, at: "2026-01-31T09:30:00Z" };
  for (const order of [
    [dated, decisions[0]!],
    [decisions[0]!, dated],
  ])
    assert.equal(mergeDecisions(order).decisions, [dated]);
});

test("decisions written by hand need no time: the later line is the later decision, also after one with a time", () => {
  const line = (action: string, more = "") =>
    `{"kind":"utterance","keys":["a_1"],"action":"${action}","by":"anna"${more}}`;
  const held = (...lines: string[]) =>
    mergeDecisions(readDecisions(put(file("by-hand.jsonl"), lines.join("\n"))).decisions).decisions.map(
      ({ action, at }) => [action, at],
    );
  const [noon, dawn] = [',"at":"2026-01-31T12:00:00Z"', ',"at":"2026-01-31T06:00:00Z"'];
  assert.equal(held(line("drop"), line("keep")), [["keep", ""]]);
  assert.equal(held(line("drop", noon), line("keep")), [["keep", ""]]);
  assert.equal(held(line("keep"), line("drop", dawn)), [["drop", "2026-01-31T06:00:00Z"]]);
  assert.equal(held(line("drop", noon), line("keep", dawn)), [["drop", "2026-01-31T12:00:00Z"]]);
  assert.equal(held(line("drop"), line("undo")), []);
});

test("a second audit leaves what was edited, does not bring back what was deleted, and adds what is new", async () => {
  const out = file("audit");
  const write = (proposals: Decision[]) =>
    writeProposals({ at: (path) => path }, out, proposals, (key) => /^u\d$/.test(key));
  const propose = (key: string, to: string) => decide("wrongLabel", [key], "relabel", { to, by: "audit" });
  await write([propose("u1", "a"), propose("u2", "a"), propose("u3", "a"), propose("u4", "a")]);
  const path = join(out, "decisions.jsonl");
  const [first, , third, fourth] = readFileSync(path, "utf8").split("\n");
  const edited = third!.replace('"to":"a"', '"to":"mine", "note": "heard it"');
  const own = JSON.stringify(decide("utterance", ["u9"], "drop"));
  writeFileSync(path, `${first}\n${edited}\n${fourth}\n${own}\n`);
  const now = [
    propose("u1", "a"),
    propose("u2", "a"),
    propose("u3", "a"),
    propose("u4", "z"),
    propose("u5", "a"),
  ];
  const counts = await write(now);
  assert.equal(counts, { added: 2, withdrawn: 1, people: 2, aside: undefined });
  const lines = readFileSync(path, "utf8").trim().split("\n");
  assert.equal(lines.slice(0, 3), [first, edited, own]);
  assert.equal(
    lines
      .slice(3)
      .map((line) => JSON.parse(line))
      .map(({ keys, to }) => [keys[0], to]),
    [
      ["u4", "z"],
      ["u5", "a"],
    ],
  );
  await write(now);
  assert.equal(readFileSync(path, "utf8").trim().split("\n"), lines);
  // As a kill between the two files leaves it: what the audit proposes is still its own, but nobody knows what was deleted.
  rmSync(join(out, "proposals.jsonl"));
  assert.equal(await write(now), { added: 1, withdrawn: 0, people: 2, aside: undefined });
});

test("decisions say how often findings held, by their probability", () => {
  const on = (key: string, action: "drop" | "keep" | "unsure", probability?: number, by = "anna") =>
    decide("wrongLabel", [key], action, { probability, by });
  const bands = observedPrecision([
    on("a", "drop", 0.95),
    on("b", "keep", 0.9),
    on("c", "keep", 0.3),
    on("d", "unsure", 0.95),
    on("e", "drop"),
    on("f", "drop", 0.95, "audit"),
    on("g", "drop", 1),
  ]);
  assert.equal(
    bands.map(({ agreed, disagreed, precision }) => [agreed, disagreed, precision]),
    [
      [0, 1, 0],
      [0, 0, null],
      [0, 0, null],
      [2, 1, 2 / 3],
    ],
  );
});

test("lines of decisions may end as on any system, and UTF-16 is named", async () => {
  const lines = ["u1", "u2", "u3"].map((key) => JSON.stringify(decide("utterance", [key], "drop")));
  for (const end of ["\n", "\r\n", "\r"]) {
    const { decisions, warnings } = readDecisions(put(file("ends.jsonl"), lines.join(end)));
    assert.equal(
      decisions.map(({ keys }) => keys[0]),
      ["u1", "u2", "u3"],
    );
    assert.equal(warnings, []);
  }
  const out = file("old-mac");
  put(join(out, "decisions.jsonl"), lines.join("\r"));
  const now = [decide("wrongLabel", ["u4"], "drop", { by: "audit" })];
  await writeProposals({ at: (path) => path }, out, now, () => true);
  assert.is(readDecisions(out).decisions.length, 4);
  const wide = put(file("wide.jsonl"), Buffer.from(`\ufeff${lines.join("\n")}`, "utf16le"));
  assert.throws(() => readDecisions(wide), /wide\.jsonl is UTF-16 text\. Save it as UTF-8/);
});

test.run();
