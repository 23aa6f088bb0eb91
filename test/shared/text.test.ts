import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { duration, quantity, quantityIs, thereAre, whole } from "../../src/shared/text.js";

test("thousands have commas, and nouns their plural", () => {
  for (const n of [0, 1, 12, 999, 1000, 12_345, 999_999.6, 1_234_567, 2 ** 53 - 1])
    assert.is(whole(n), n.toLocaleString("en-US", { maximumFractionDigits: 0 }));
  assert.is(quantity(1, "speaker"), "1 speaker");
  assert.is(quantity(0, "speaker"), "0 speakers");
  assert.is(quantity(6000, "speaker"), "6,000 speakers");
  assert.equal(
    [duration(12.34), duration(840), duration(11_160), duration(7.2e6)],
    ["12 s", "14 min", "3.1 h", "2,000 h"],
  );
});

test("numbers are written without a locale, whose data costs every process 13 ms", () => {
  const before = Number.prototype.toLocaleString;
  Number.prototype.toLocaleString = () => {
    throw new Error("a locale was asked for");
  };
  try {
    assert.is(quantity(1234, "pair"), "1,234 pairs");
  } finally {
    Number.prototype.toLocaleString = before;
  }
});

test("a count agrees with its noun and its verb", () => {
  assert.is(`${quantityIs(1, "file")} there`, "1 file is there");
  assert.is(`${quantityIs(2000, "file", "was", "were")} there`, "2,000 files were there");
  assert.is(thereAre(1, "score"), "There is 1 score");
  assert.is(thereAre(0, "score"), "There are 0 scores");
});

test("messages of the program count what people have by these helpers, so that none says `1 files`", () => {
  const nouns =
    "files utterances speakers embeddings recordings segments trials people words cells columns shards";
  const counted = new RegExp(`(?<!/)\\$\\{[\\w.!?[\\]]*\\} (${nouns.replaceAll(" ", "|")})\\b`);
  const root = join(__dirname, "..", "..", "src");
  // What is counted there cannot be one.
  const several = ["one of its ", "is 1 person", "at a batch of ", "wrong.numUtterances} utterances"];
  const wrong = readdirSync(root, { recursive: true })
    .map(String)
    .filter((name) => name.endsWith(".ts"))
    .flatMap((name) =>
      readFileSync(join(root, name), "utf8")
        .split("\n")
        .filter((line) => counted.test(line) && !several.some((part) => line.includes(part)))
        .map((line) => `${name}: ${line.trim()}`),
    );
  assert.equal(wrong, []);
});

test.run();
