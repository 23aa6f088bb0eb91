import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { writeNpy } from "../../src/format/npy.js";
import { writePickle } from "../../src/format/write-pickle.js";
import { packageRoot } from "../../src/util/package-root.js";
import { near } from "../analysis/reference.js";
import { speakerscope } from "../cli.js";
import { cohort, expected, pairs } from "../scoring/reference.js";
import { temporaryFolder } from "../tiny.js";

const folder = temporaryFolder("score");
const at = (name: string) => join(folder, name);
const embeddings = join(__dirname, "../fixtures/scoring/embeddings.npz");
const lines = (label: (isTarget: boolean) => string) =>
  pairs.map(({ enroll, test, isTarget }) => `${enroll} ${test}${label(isTarget)}\n`).join("");
writeFileSync(
  at("trials.txt"),
  lines((isTarget) => (isTarget ? " target" : " nontarget")),
);
writeFileSync(
  at("unlabelled.txt"),
  lines(() => ""),
);
writeFileSync(at("cohort.npy"), writeNpy(cohort.data, { shape: [cohort.rows, cohort.columns] }));
const json = (...parts: string[]) => JSON.parse(readFileSync(join(folder, ...parts), "utf8"));
const run = (...args: string[]) => speakerscope(args, { cwd: folder });
const score = (...args: string[]) => run("score", "--resamples", "20", ...args);

const scoring = suite("speakerscope score");
scoring("writes scores and a report of somebody's embeddings", () => {
  const { status, stdout, stderr } = score(
    "--trials",
    "trials.txt",
    "--embeddings",
    embeddings,
    "--output_dir",
    "plain",
  );
  assert.equal([status, stderr], [0, ""]);
  assert.match(stdout, /4,950 trials in the order "enroll test label"/);
  assert.match(stdout, /EER 9\.40 % \(95 %: \d+\.\d\d % to \d+\.\d\d %\)/);
  const written = readFileSync(at("plain/scores.txt"), "utf8").trimEnd().split("\n");
  assert.is(written.length, 4950);
  const [enroll, test, value, label] = written[0].split(" ");
  assert.equal([enroll, test, label], [pairs[0].enroll, pairs[0].test, "target"]);
  assert.ok(near(Number(value), expected.cosine.first_scores[0], 1e-6));
  const report = json("plain", "score_report.json");
  assert.equal([report.trials, report.targets], [4950, 450]);
  assert.ok(near(report.eer, expected.cosine.eer, 1e-3));
  assert.ok(near(report.min_dcf["0.01"], expected.cosine["min_dcf_0.01"], 1e-9));
  assert.ok(near(report.calibration.scale, expected.cosine.calibration.scale, 1e-4));
  assert.ok(near(report.cllr, expected.cosine.cllr_calibrated, 1e-6));
  assert.ok(near(report.min_cllr, expected.cosine.min_cllr, 1e-6));
  assert.ok(report.cross_validated.cllr > report.cllr);
  assert.ok(report.intervals.eer[0] < report.eer && report.eer < report.intervals.eer[1]);
});
scoring("says where trials are no test, or count twice", () => {
  writeFileSync(at("odd.txt"), "a b 0.9 target\nb a 0.9 target\na a 1 target\na c 0.1 nontarget\n");
  const { status, stdout } = score("--scores", "odd.txt", "--output_dir", "odd");
  assert.is(status, 0);
  assert.match(stdout, /^Warning: in 1 trial an utterance is held against itself/m);
  assert.match(stdout, /^Warning: 1 trial repeats another, and counts once more\.$/m);
});
scoring("draws trials from the labels where no list is given, and says where there are none", () => {
  const rows = Object.fromEntries(
    Array.from({ length: 12 }, (_, i) => [
      `d/s${i % 4}/u${i}`,
      { data: Float32Array.of(Math.cos(i % 4), Math.sin(i % 4), 0.2 * i), shape: [3], dtype: "float32" },
    ]),
  );
  writeFileSync(at("voices.pkl"), writePickle(rows));
  const { status, stdout, stderr } = score("--embeddings", "voices.pkl", "--output_dir", "drawn");
  assert.equal([status, stderr], [0, ""]);
  assert.match(
    stdout,
    /^24 trials drawn from the labels, .*\n12 target and 12 non-target trials of 4 speakers/,
  );
  const written = readFileSync(at("drawn/scores.txt"), "utf8");
  assert.is(written.match(/ target$/gm)?.length, 12);
  writeFileSync(at("one.pkl"), writePickle(Object.fromEntries(Object.entries(rows).slice(0, 4))));
  assert.match(
    score("--embeddings", "one.pkl").stderr,
    /^error: No trials can be drawn from the labels of one\.pkl: .* Give --trials\.\n$/,
  );
});
scoring("normalises by a cohort, and measures scores with a calibration from elsewhere", () => {
  const normalised = (topN: string, folder: string) =>
    score(
      ...["--trials", "trials.txt", "--embeddings", embeddings, "--cohort", "cohort.npy"],
      ...["--top_n", topN, "--output_dir", folder],
    );
  const made = normalised("20", "as");
  assert.is(made.status, 0, made.stderr);
  const report = json("as", "score_report.json");
  assert.ok(near(report.cllr, expected.asnorm_top20.cllr_calibrated, 1e-5));
  const all = normalised("all", "s");
  assert.is(all.status, 0, all.stderr);
  assert.ok(near(json("s", "score_report.json").min_cllr, expected.snorm.min_cllr, 1e-5));
  const measured = score(
    "--scores",
    "as/scores.txt",
    "--calibration",
    "as/calibration.json",
    "--output_dir",
    "again",
  );
  assert.is(measured.status, 0, measured.stderr);
  const again = json("again", "score_report.json");
  assert.equal([again.eer, again.cllr, again.cross_validated], [report.eer, report.cllr, null]);
  assert.is(again.calibration.from, "as/calibration.json");
});
scoring("scores without labels, which a list of trials can bring later", () => {
  const made = score("--trials", "unlabelled.txt", "--embeddings", embeddings, "--output_dir", "blind");
  assert.is(made.status, 0, made.stderr);
  assert.match(made.stdout, /have no labels, so nothing is measured/);
  const refused = score("--scores", "blind/scores.txt", "--output_dir", "none");
  assert.match(refused.stderr, /blind\/scores\.txt has no labels.* Give --trials/);
  // One more than was scored.
  writeFileSync(
    at("more.txt"),
    `${readFileSync(at("trials.txt"), "utf8")}stranger ${pairs[0].test} nontarget\n`,
  );
  const measured = score("--scores", "blind/scores.txt", "--trials", "more.txt", "--output_dir", "late");
  assert.is(measured.status, 0, measured.stderr);
  assert.match(
    measured.stdout + measured.stderr,
    /Warning: 1 trial of the list has no score in blind\/scores\.txt, and is not measured/,
  );
  assert.ok(near(json("late", "score_report.json").min_cllr, expected.cosine.min_cllr, 1e-6));
});
scoring("says what it cannot do", () => {
  const error = (...args: string[]) => score("--output_dir", "bad", ...args).stderr;
  const trials = ["--trials", "trials.txt", "--embeddings", embeddings];
  assert.match(error(...trials, "--top_n", "5"), /--top_n needs --cohort/);
  assert.match(error(...trials, "--subtract_mean"), /--subtract_mean needs --cohort/);
  assert.match(
    error(...trials, "--cohort", "cohort.npy", "--top_n", "500"),
    /cohort\.npy has 400 embeddings, and its 500 nearest to each are to count\. Give --top_n 400 or less/,
  );
  assert.match(error(...trials, "--calibration", "none.json"), /none\.json does not exist/);
  assert.match(
    error("--trials", "trials.txt", "--embeddings", "cohort.npy"),
    /^error: 100 names in the trials match no embedding/,
  );
  writeFileSync(at("one.txt"), "a b 0.5 target\na c 0.4 target\n");
  assert.match(error("--scores", "one.txt"), /There are no nonTarget scores/);
});
scoring.run();

const people = suite("speakerscope identify and compare");
const speech = join(packageRoot, "data", "speech", "studio");
people("name the speaker of a file, and nobody for a stranger", () => {
  // Two speakers enrolled from their first file each.
  const corpus = at("corpus");
  const { cpSync, mkdirSync } = require("node:fs") as typeof import("node:fs");
  for (const speaker of ["103", "1040"]) {
    mkdirSync(join(corpus, "studio", speaker), { recursive: true });
    const name = { "103": "103-1240-0000-part0.flac", "1040": "1040-133433-0000-part0.flac" }[speaker]!;
    cpSync(join(speech, speaker, name), join(corpus, "studio", speaker, name));
  }
  const made = run(
    "run",
    "--data_root",
    "corpus",
    "--num_ranks",
    "1",
    "--stop_stage",
    "2",
    "--compute_similarity",
    "false",
  );
  assert.is(made.status, 0, made.stderr);
  const query = join(speech, "103", "103-1240-0000-part1.flac");
  const stranger = join(speech, "1069");
  const found = run(
    "identify",
    "--query",
    query,
    stranger,
    "--enrolled",
    "final_embeddings",
    "--threshold",
    "0.5",
    "--output_json",
    "rows.json",
  );
  assert.is(found.status, 0, found.stderr);
  assert.match(found.stdout, /part1\.flac 1 studio_103 0\.\d{4}\n/);
  assert.match(found.stdout, /1069.* 1 nobody /);
  const rows = json("rows.json");
  assert.equal(
    [rows[0].query, rows[0].key, rows[0].rank, rows[0].probability],
    [query, "studio_103", 1, null],
  );
  const same = run("compare", query, join(speech, "103", "103-1240-0000-part0.flac"));
  assert.match(same.stdout, /^same: cosine 0\.\d{4} /);
  // Vectors may ask too, one file of them.
  const vectors = run("identify", "--query", "final_embeddings", "--top_k", "1", "--out", "rows.csv");
  assert.match(readFileSync(at("rows.csv"), "utf8"), /^query,rank,key,score,probability\nstudio_103_/);
  assert.equal(vectors.stdout.match(/^studio_103_\S+ 1 studio_103 1\.0000$/m)?.length, 1);
  assert.match(
    run("identify", "--query", "final_embeddings", query, "--enrolled", "final_embeddings").stderr,
    /must be the only query/,
  );
  assert.match(
    run("identify", "--query", "none.wav", "--enrolled", "final_embeddings").stderr,
    /There is no query none\.wav/,
  );
});
people.run();
