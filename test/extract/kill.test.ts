import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { put, temporaryFolder, tinyCorpus, tinyModel, voice, wav } from "../tiny.js";
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
    source: ["--data_root", "corpus"],
    model: ["--model_path", modelPath],
    kills: 8,
    withinMs: 1500,
  });
  assert.equal(Object.keys(disturbed), Object.keys(calm));
  assert.ok(Object.keys(calm).length > 400);
  for (const [name, content] of Object.entries(calm)) assert.is(disturbed[name], content, name);
});

test("so does one from a manifest with spans of long recordings", async () => {
  const cwd = temporaryFolder();
  const samples = Float32Array.from([0, 1, 2, 3].flatMap((seed) => [...voice(seed, { seconds: 10 })]));
  for (const name of ["a", "b", "c"]) put(join(cwd, `${name}.wav`), wav([samples]));
  const rows = Array.from(
    { length: 300 },
    (_, i) => `${"abc"[i % 3]}.wav,s${i % 9},u${i},${i / 8},${i / 8 + 1.2}\n`,
  );
  put(join(cwd, "spans.csv"), `path,speaker,id,start,end\n${rows.join("")}`);
  const { disturbed, calm } = await soak({
    cwd,
    source: ["--manifest", "spans.csv"],
    model: ["--model_path", tinyModel(cwd)],
    kills: 3,
    withinMs: 1500,
  });
  assert.ok(Object.keys(calm).length > 5);
  assert.equal(disturbed, calm);
});

test.run();
