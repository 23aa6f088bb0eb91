import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Finding } from "../../src/audit/finding.js";
import { foundOrDecided } from "../../src/audit/found-or-decided.js";
import type { Decision } from "../../src/decisions/decision.js";

const leak = (keys: string[]): Finding => ({
  kind: "leakage",
  keys,
  score: 2,
  probability: 0.9,
  evidence: {},
  remedy: { action: "keepOnOneSide", names: keys },
});
const decided = (
  kind: Decision["kind"],
  keys: string[],
  action: Decision["action"],
  more: Partial<Decision> = {},
): Decision => ({ kind, keys, action, by: "anna", at: "2026-01-31T09:30:00Z", ...more });

const inShort = (findings: readonly Finding[]) =>
  findings.map(({ kind, keys, probability, remedy }) =>
    [kind, ...keys, probability, remedy.action, "to" in remedy ? remedy.to : ""].join(" ").trim(),
  );

test("a decision on two names goes before the finding, whatever the order of the names", () => {
  const found = [leak(["x_a", "y_b"]), leak(["x_c", "y_d"])];
  assert.equal(foundOrDecided(found, [decided("leakage", ["y_b", "x_a"], "keep")]).found, [found[1]]);
  assert.equal(foundOrDecided(found, [decided("pair", ["y_b", "x_a"], "different")]).found, [found[1]]);
  assert.equal(foundOrDecided(found, [decided("leakage", ["x_a", "y_b"], "unsure")]).found, found);
  const disagree = [
    decided("leakage", ["x_a", "y_b"], "keep"),
    decided("leakage", ["x_a", "y_b"], "keepOnOneSide", { by: "ben" }),
  ];
  assert.equal(foundOrDecided(found, disagree).found, found);
});

test("names that are decided to be one person are as a sure finding of it", () => {
  const decisions = [
    // A doubt, with which somebody agrees.
    decided("leakage", ["x_a", "y_b"], "keepOnOneSide", { probability: 0.3 }),
    decided("splitSpeaker", ["x_c", "x_d"], "mergeNames", { to: "x_e", by: "audit", probability: 0.6 }),
    decided("splitSpeaker", ["x_f", "x_g"], "keepOne", { to: "x_g" }),
    decided("pair", ["x_h", "y_i"], "same"),
  ];
  assert.equal(inShort(foundOrDecided([leak(["x_a", "y_b"])], decisions).found), [
    "leakage x_a y_b 1 keepOnOneSide",
    "leakage x_e x_c 1 keepOnOneSide",
    "leakage x_e x_d 1 keepOnOneSide",
    "leakage x_g x_f 1 keepOnOneSide",
    "leakage x_h y_i 1 keepOnOneSide",
  ]);
});

test("what is decided about utterances is as a finding of a wrong label, or of copies", () => {
  const decisions = [
    decided("wrongLabel", ["x_a_1"], "relabel", { to: "x_b" }),
    decided("utterance", ["x_a_2"], "drop"),
    decided("nearCopies", ["x_a_3", "x_b_3"], "keepOne", { to: "x_b_3" }),
    decided("mergedSpeakers", ["x_c"], "drop"),
    decided("wrongLabel", ["x_a_4"], "keep"),
  ];
  assert.equal(inShort(foundOrDecided([], decisions).found), [
    "wrongLabel x_a_1 1 relabel x_b",
    "wrongLabel x_a_2 1 drop",
    "equalFiles x_b_3 x_a_3 1 keepOne x_b_3",
  ]);
});

test.run();
