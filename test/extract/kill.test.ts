import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { temporaryFolder, tinyCorpus, tinyModel } from "../tiny.js";
import { soak } from "./soak.js";

test("killed with -9 at 8 random moments, the same command ends in the same bytes as an undisturbed run", async () => {
  const cwd = temporaryFolder();
  const files = Object.fromEntries(
    Array.from({ length: 400 }, (_, i) => [`d${i % 2}/s${i % 9}/u${i}.wav`, i]),
  );
  tinyCorpus(join(cwd, "corpus"), files);
  const modelPath = tinyModel(cwd);
  const { disturbed, calm } = await soak({
    cwd,
    dataRoot: "corpus",
    model: ["--model_path", modelPath],
    kills: 8,
    withinMs: 1500,
  });
  assert.equal(Object.keys(disturbed), Object.keys(calm));
  assert.ok(Object.keys(calm).length > 400);
  for (const [name, content] of Object.entries(calm)) assert.is(disturbed[name], content, name);
});

test.run();
