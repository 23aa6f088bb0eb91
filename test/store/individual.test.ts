import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { speakerPath, utterancePath } from "../../src/store/individual.js";

const path = (dataset: string, speakerId: string, utteranceId: string) =>
  utterancePath("out", { dataset, speakerId, utteranceId }).slice("out/utterances/".length);
const longest = (text: string) => Math.max(...text.split("/").map((name) => Buffer.byteLength(name)));

test("names that a file system takes are kept as they are", () => {
  assert.is(path("d", "s", "u"), "d/s/u.pkl");
  assert.is(path("d", "s", "day/u~2"), "d/s/day/u~2.pkl");
  assert.is(path("d", "s", "u".repeat(251)), `d/s/${"u".repeat(251)}.pkl`);
  assert.is(path("d", "s".repeat(255), "u"), `d/${"s".repeat(255)}/u.pkl`);
  assert.is(speakerPath("out", { dataset: "d", speakerId: "s" }), "out/speakers/d/s.pkl");
});

test("names that are too long are cut at a character and told apart by their hash", () => {
  const [one, two] = ["1", "2"].map((end) => path("d", "s", "u".repeat(251) + end));
  assert.match(one!, /^d\/s\/u{200}~[0-9a-f]{16}\.pkl$/);
  assert.is.not(one, two);
  assert.match(path("d", "s", "語".repeat(84)), /^d\/s\/語{66}~[0-9a-f]{16}\.pkl$/);
  assert.match(speakerPath("out", { dataset: "d", speakerId: "s".repeat(255) }), /s{200}~[0-9a-f]{16}\.pkl$/);
  for (const text of [
    path("d".repeat(300), "s".repeat(300), "u".repeat(300)),
    path("d", "s", `${"v".repeat(300)}/u`),
  ])
    assert.ok(longest(text) <= 255, text);
});

test("a path that is too deep becomes one name", () => {
  const deep = Array.from({ length: 30 }, () => "x".repeat(100)).join("/");
  assert.match(path("d", "s", deep), /^d\/s\/[x_]{200}~[0-9a-f]{16}\.pkl$/);
  assert.is.not(path("d", "s", deep), path("d", "s", deep.replaceAll("/", "_")));
});

test("a folder is never named like the pickle of an utterance beside it", () => {
  assert.is(path("d", "s", "a"), "d/s/a.pkl");
  assert.match(path("d", "s", "a.pkl/b"), /^d\/s\/a\.pkl~[0-9a-f]{16}\/b\.pkl$/);
  assert.is(path("d.pkl", "s.pkl", "a.pkl"), join("d.pkl", "s.pkl", "a.pkl.pkl"));
});

test("no name leads out of the folder", () => {
  assert.throws(() => path("..", "..", "../x"), /leads out of/);
  // Out of `utterances`, to where a speaker's pickle or the index lies.
  assert.throws(() => path("..", "speakers", "d/s"), /leads out of/);
  assert.throws(() => path("d", "s", "../t/u"), /leads out of/);
});

test.run();
