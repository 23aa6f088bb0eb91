import { test } from "uvu";
import * as assert from "uvu/assert";
import { cleanName, corpusFlags, inShell } from "../../src/pipeline/corpus-flags.js";

test("a corpus is named as it was on the command line", () => {
  assert.is(corpusFlags(), "--data_root CORPUS");
  assert.is(corpusFlags({ dataRoot: "my speech", layout: "flat" }), "--data_root 'my speech' --layout flat");
  assert.is(
    corpusFlags({ manifest: "a.tsv", dataRoot: "ignored", columns: { speaker: "client_id" }, dataset: "" }),
    "--manifest a.tsv --columns speaker=client_id",
  );
  assert.is(
    corpusFlags({ dataRoot: "c", layout: "{speaker}/{utterance}" }),
    "--data_root c --layout '{speaker}/{utterance}'",
  );
});

test("the corrected corpus is proposed in the form of the one that was read", () => {
  const names = ["train.tsv", "cuts.jsonl.gz", "data/train", "shard-{000000..000009}.tar"];
  assert.equal(
    names.map((manifest) => cleanName({ manifest })),
    ["clean.tsv", "clean.jsonl.gz", "clean", "clean"],
  );
  assert.is(cleanName({ dataRoot: "corpus" }), "clean.csv");
});

test("words are quoted where a shell would take them apart", () => {
  assert.equal(["a/b-1.csv", "it's", "a b", "~x", "$HOME"].map(inShell), [
    "a/b-1.csv",
    "'it'\\''s'",
    "'a b'",
    "'~x'",
    "'$HOME'",
  ]);
});

test.run();
