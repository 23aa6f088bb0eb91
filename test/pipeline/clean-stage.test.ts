import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { writePickle } from "../../src/format/write-pickle.js";
import { merge } from "../../src/merge/merge.js";
import { cleanStage } from "../../src/pipeline/clean-stage.js";
import {
  individualSpeaker,
  individualUtterance,
  speakerPath,
  utterancePath,
} from "../../src/store/individual.js";
import { temporaryIn } from "../../src/util/temporary.js";
import { fakeExtraction } from "../merged/extraction.js";
import { put, temporaryFolder } from "../tiny.js";

const root = temporaryFolder();
let count = 0;

/** An extraction and what was merged of it. */
async function made({ final = "final" } = {}) {
  const folder = join(root, String(count++));
  const outputDir = await fakeExtraction(join(folder, "ranks"), { "d/s/a.wav": [1, 2], "d/t/b.wav": [2, 1] });
  const finalDir = join(folder, final);
  await merge(outputDir, { outputDir: finalDir });
  const lines: string[] = [];
  const questions: string[] = [];
  const context = { reporter: { log: (line: string) => lines.push(line) } };
  return {
    folder,
    outputDir,
    finalDir,
    lines,
    questions,
    clean: (answer = true) =>
      cleanStage(
        {
          outputDir,
          finalDir,
          async confirm(question) {
            questions.push(question);
            return answer;
          },
        },
        context,
      ),
  };
}

/** The message of the error, and that nothing was asked or deleted. */
async function refuses({ clean, outputDir, questions }: Awaited<ReturnType<typeof made>>): Promise<string> {
  const before = readdirSync(outputDir, { recursive: true });
  const error = await clean().then(
    () => undefined,
    (thrown: Error) => thrown,
  );
  assert.is(error?.name, "ScopeError", String(error?.stack));
  assert.equal(readdirSync(outputDir, { recursive: true }), before);
  assert.equal(questions, []);
  return error!.message;
}

test("what extraction wrote goes, when the answer is yes", async () => {
  const { clean, outputDir, questions, lines } = await made();
  const whose = { dataset: "d", speakerId: "s" };
  const utterance = { ...whose, utteranceId: "a", path: "x", embedding: Float32Array.of(1) };
  const individual = join(outputDir, "embeddings_individual");
  put(utterancePath(individual, utterance), individualUtterance(utterance));
  put(
    speakerPath(individual, whose),
    individualSpeaker({ ...whose, key: "", numUtterances: 1, embedding: Float32Array.of(1) }),
  );
  for (const name of ["metadata.json", "speaker_embeddings.pkl", "failed.jsonl", "speaker_similarity.json"])
    put(join(outputDir, "rank_00", name), "x");
  await clean(false);
  assert.ok(existsSync(join(outputDir, "rank_00/embeddings.log")));
  assert.match(questions[0]!, /Delete corpus\.jsonl, embeddings_individual, rank_00 in /);
  await clean();
  assert.equal(readdirSync(outputDir), []);
  await clean();
  assert.match(lines.at(-1)!, /Nothing to clean up/);
});

test("files that extraction did not write stay, with a word", async () => {
  const { clean, outputDir, lines } = await made();
  const own = [
    "rank_00/notes.txt",
    "rank_00/checkpoints/model.onnx",
    "rank_backup/embeddings.log",
    "embeddings_individual/utterances/d/s/mine.pkl",
    "embeddings_individual/utterances/d/s/other.pkl",
    "embeddings_individual/notes.txt",
    "notes.txt",
  ];
  for (const name of own) put(join(outputDir, name), "mine");
  const elsewhere = {
    dataset: "d",
    speakerId: "s",
    utteranceId: "elsewhere",
    path: "x",
    embedding: Float32Array.of(1),
  };
  put(join(outputDir, own[4]!), individualUtterance(elsewhere));
  await clean();
  for (const name of own) assert.ok(existsSync(join(outputDir, name)), name);
  assert.not.ok(existsSync(join(outputDir, "rank_00/embeddings.log")));
  assert.not.ok(existsSync(join(outputDir, "corpus.jsonl")));
  assert.match(lines.at(-1)!, /Left 5 files in .* that extraction did not write/);
});

test("what a killed extraction has left half-written goes too", async () => {
  const { clean, outputDir } = await made();
  for (const folder of ["", "rank_00", "embeddings_individual"])
    put(temporaryIn(join(outputDir, folder)), "half");
  await clean();
  assert.equal(readdirSync(outputDir), []);
});

test("the folders of shards are cleaned too", async () => {
  const folder = join(root, String(count++));
  const outputDir = join(folder, "ranks");
  await fakeExtraction(join(outputDir, "shard_00000_of_00002"), { "d/s/a.wav": [1, 2] });
  await fakeExtraction(join(outputDir, "shard_00001_of_00002"), { "d/t/b.wav": [2, 1] });
  put(join(outputDir, "shard_00001_of_00002/mine.txt"), "mine");
  const finalDir = join(folder, "final");
  await merge(outputDir, { outputDir: finalDir });
  await cleanStage({ outputDir, finalDir, confirm: async () => true }, { reporter: { log() {} } });
  assert.equal(readdirSync(outputDir, { recursive: true }).sort(), [
    "shard_00001_of_00002",
    join("shard_00001_of_00002", "mine.txt"),
  ]);
});

test("merged files that are not there, or hold something else, keep the ranks", async () => {
  const none = await made();
  rmSync(join(none.finalDir, "utterance_embeddings.pkl"));
  assert.match(await refuses(none), /holds no merged embeddings.*stage 2/);

  const other = await made();
  const { outputDir } = await made();
  await fakeExtraction(outputDir, { "d/s/a.wav": [1, 2], "d/t/b.wav": [2, 1], "d/t/c.wav": [3, 1] });
  assert.match(
    await refuses({
      ...other,
      outputDir,
      clean: () =>
        cleanStage(
          { outputDir, finalDir: other.finalDir, confirm: async () => true },
          { reporter: { log() {} } },
        ),
    }),
    /differ at d_t_c/,
  );

  const changed = await made();
  await fakeExtraction(changed.outputDir, { "d/s/a.wav": [1, 2.5], "d/t/b.wav": [2, 1] });
  assert.match(await refuses(changed), /differ at d_s_a/);

  const foreign = await made();
  put(join(foreign.finalDir, "utterance_embeddings.pkl"), writePickle({ d_s_a: { embedding: 1 } }));
  await refuses(foreign);
});

test("merged files in the extraction's own folder stay", async () => {
  const same = await made({ final: "ranks" });
  await same.clean();
  const left = readdirSync(same.outputDir);
  assert.ok(left.includes("utterance_embeddings.pkl") && left.includes("embeddings_individual"));
  assert.not.ok(left.includes("rank_00") || left.includes("corpus.jsonl"));
  assert.ok(existsSync(join(same.outputDir, "embeddings_individual/utterances/d/s/a.pkl")));

  const within = await made({ final: "ranks/rank_00/final" });
  assert.match(await refuses(within), /lie in .*final, within what would be deleted/);

  const linked = await made();
  const inner = join(linked.outputDir, "rank_00/final");
  renameSync(linked.finalDir, inner);
  symlinkSync(inner, linked.finalDir);
  assert.match(await refuses(linked), /within what would be deleted/);
});

test("a folder that is not there is nothing to clean up", async () => {
  const { finalDir } = await made();
  const lines: string[] = [];
  const outputDir = join(root, "nowhere");
  await cleanStage(
    { outputDir, finalDir, confirm: async () => true },
    { reporter: { log: (line) => lines.push(line) } },
  );
  assert.match(lines[0]!, /Nothing to clean up/);
  mkdirSync(outputDir);
  put(join(outputDir, "a.txt"), "mine");
  await cleanStage(
    { outputDir, finalDir, confirm: async () => true },
    { reporter: { log: (line) => lines.push(line) } },
  );
  assert.match(lines[1]!, /Nothing to clean up/);
});

test.run();
