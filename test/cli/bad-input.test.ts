import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { writePickle } from "../../src/format/write-pickle.js";
import { speakerscope } from "../cli.js";
import { fakeExtraction } from "../merged/extraction.js";
import { put, temporaryFolder } from "../tiny.js";

/*
 * Every command with input that it cannot work with: it ends with a status that is not 0 and says why in one line on
 * stderr, which names the file or flag and is no JavaScript error.
 */

const cwd = temporaryFolder();
const at = (...names: string[]) => join(cwd, ...names);

mkdirSync(at("empty"));
put(at("garbage"), "garbage");
put(at("list.json"), "[1");
const speaker = (key: unknown) => ({ key, dataset: "d", speaker_id: "s", num_utterances: 1 });
const similarity = (pairs: unknown, more = {}) =>
  JSON.stringify({ speaker_keys: ["a", "b"], high_similarity_pairs: pairs, statistics: {}, ...more });
for (const [name, list, comparison] of [
  ["null-row", "[null]", similarity([])],
  ["number-key", JSON.stringify([speaker(1)]), similarity([])],
  ["null-pair", JSON.stringify([speaker("a"), speaker("b")]), similarity([null])],
  ["null-files", "null", "null"],
] as const) {
  put(at(name, "speaker_list.json"), list);
  put(at(name, "speaker_similarity.json"), comparison);
  put(at(name, "summary.json"), "null");
}
put(at("none", "rank_00", "utterance_embeddings.pkl"), writePickle(null));
put(at("big", "rank_00", "utterance_embeddings.pkl"), writePickle({ k: 10n ** 40n }));
put(at("null-header", "corpus.jsonl"), "null\n");
put(at("null-line", "corpus.jsonl"), '{"root":"x"}\nnull\n');
put(at("individual", "speakers", "d", "s.pkl"), writePickle({ embedding: 1, info: null }));
put(at("settings.yaml"), "yes: perhaps\n");

const paths = ["nowhere", "garbage", "empty"];
const cases: [args: string[], named: RegExp][] = [
  ...paths.flatMap((path): [string[], RegExp][] => [
    [["merge", "--input_dir", path, "--output_dir", "out"], new RegExp(path)],
    [["analyze", "--results_dir", path], new RegExp(path)],
    [["load", "--embeddings_dir", path], new RegExp(path)],
    [["verify", path], new RegExp(path)],
    [["status", path], new RegExp(path)],
    [["similarity", "--input", path, "--output-dir", "out"], new RegExp(path)],
    [["extract", "--data_root", path, "--output_dir", "out"], new RegExp(path)],
    [["run", "--settings", path], path === "empty" ? /empty is a folder/ : new RegExp(path)],
  ]),
  [["analyze", "--results_dir", "null-row"], /Row 1 of null-row\/speaker_list\.json is null/],
  [["analyze", "--results_dir", "number-key"], /Row 1 of number-key\/speaker_list\.json has 1 as key/],
  [["analyze", "--results_dir", "null-pair"], /null-pair\/speaker_similarity\.json/],
  [["analyze", "--results_dir", "null-files"], /null-files\/speaker_list\.json holds null/],
  [["verify", "null-row"], /null-row/],
  [["merge", "--input_dir", "none", "--output_dir", "out"], /none\/rank_00\/utterance_embeddings\.pkl/],
  [["merge", "--input_dir", "big", "--output_dir", "out"], /big\/rank_00\/utterance_embeddings\.pkl/],
  [
    ["merge", "--input_dir", "null-header", "--output_dir", "out"],
    /Line 1 of null-header\/corpus\.jsonl is null/,
  ],
  [["status", "null-line"], /Line 2 of null-line\/corpus\.jsonl is null/],
  [["merge", "--input_dir", "ranks", "--output_dir", "garbage"], /garbage/],
  [
    ["load", "--embeddings_dir", "individual", "--dataset", "d", "--speaker_id", "s"],
    /individual\/speakers\/d\/s\.pkl/,
  ],
  [["load", "--embeddings_dir", "individual", "--dataset", "nobody"], /nobody/],
  [["load", "--embeddings_dir", "individual", "--speaker_id", "s"], /--speaker_id needs --dataset/],
  [
    ["load", "--embeddings_dir", "individual", "--dataset", "d", "--utterance_id", "u"],
    /--utterance_id needs --speaker_id/,
  ],
  [["run", "--settings", "settings.yaml"], /yes in settings\.yaml is "perhaps"/],
  [["run", "--stage", "4", "--stop_stage", "4", "--final_dir", "empty"], /empty holds no merged embeddings/],
  [["similarity", "--input", "ranks", "--output-dir", "out", "--query", "a"], /unknown option '--query'/],
  [["identify", "--query", "a.wav"], /final_embeddings does not exist\. Accepted are a folder/],
  [["identify", "--query", "a.wav", "--out", "rows.txt"], /rows\.txt does not end in \.csv/],
  [["compare", "a.wav"], /missing required argument 'b'/],
  [["score"], /final_embeddings does not exist/],
  [["score", "--scores", "a", "--embeddings", "b"], /--scores measures scores that are there already/],
  [["score", "--trials", "none.txt", "--embeddings", "b"], /none\.txt does not exist/],
  [["similarity"], /final_embeddings does not exist/],
  [["audit"], /final_embeddings does not exist/],
  [["cluster"], /final_embeddings does not exist/],
  [
    ["analyze", "--results_dir", "nowhere"],
    /nowhere does not exist\. Give a folder that `speakerscope merge`/,
  ],
  [["analyze", "--results_dir", "ranks"], /ranks holds no merged embeddings/],
  [["verify", "nowhere"], /nowhere does not exist/],
  [["status", "nowhere"], /nowhere does not exist/],
  [
    ["compare", "ranks", "a.wav"],
    /ranks is a folder, and compare takes two recordings\. .*identify --query ranks/,
  ],
  [
    ["apply", "--decisions", "nowhere", "--data_root", "x", "--out", "y"],
    /The decisions nowhere do not exist/,
  ],
  [["apply", "--decisions", "findings.csv", "--data_root", "x", "--out", "y"], /findings\.csv is a table/],
  [["kernel", "install", "--user", "--sys-prefix"], /--sys_prefix/],
  [["kernel", "uninstall", "--prefix", "empty"], /empty/],
  [["kernel"], /Usage: speakerscope kernel/],
  [[], /Usage: speakerscope/],
  [["nonsense"], /nonsense/],
  [["status", "a", "b"], /too many arguments/],
];

test("a failure of any command is a line on stderr that names what is wrong", async () => {
  await fakeExtraction(at("ranks"), { "d/s/a.wav": [1, 2], "d/t/a.wav": [2, 1] });
  for (const [args, named] of cases) {
    const { status, stderr } = speakerscope(args, { cwd });
    const what = `${args.join(" ")}: ${stderr}`;
    assert.is.not(status, 0, what);
    assert.match(stderr, named, what);
    assert.not.match(stderr, /Cannot |undefined|not a function|not iterable|\n\s+at /, what);
    if (!/^Usage|^error: .*\n\(speakerscope /.test(stderr)) assert.match(stderr, /^error: .+\n$/, what);
  }
});

test("a merge that has nothing to merge makes no folder", () => {
  assert.is(speakerscope(["merge", "--input_dir", "nowhere", "--output_dir", "new"], { cwd }).status, 1);
  assert.not.ok(existsSync(at("new")));
});

test.run();
