import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { merge } from "../../src/merge/merge.js";
import { measureThreshold } from "../../src/pipeline/measure-threshold.js";
import { fakeExtraction } from "../merged/extraction.js";
import { temporaryFolder } from "../tiny.js";

const folder = temporaryFolder();
const final = join(folder, "final");

/** Four utterances of each of three speakers, who lie `spread` apart from themselves. */
async function merged(name: string, spread: number) {
  const files: Record<string, number[]> = {};
  for (let i = 0; i < 12; i++) {
    const angle = (i % 3) * 2 + spread * Math.floor(i / 3);
    files[`d/s${i % 3}/u${i}.wav`] = [Math.cos(angle), Math.sin(angle)];
  }
  return merge(await fakeExtraction(join(folder, name), files), { outputDir: final });
}

test("the threshold of embeddings is measured on them, without what an audit found", async () => {
  const { speakers } = await merged("ranks", 0.1);
  const first = await measureThreshold(final, speakers);
  assert.ok(Number.isFinite(first!.threshold));
  const wrong = {
    kind: "wrongLabel" as const,
    keys: ["d_s0_u0"],
    score: 1,
    probability: 0.9,
    evidence: {},
    remedy: { action: "drop" as const },
  };
  const audited = await measureThreshold(final, speakers, [wrong]);
  assert.is(audited!.asLabelled!.leftOut, 1);
  const { speakers: others } = await merged("others", 0.2);
  const second = await measureThreshold(final, others);
  assert.is.not(second!.threshold, first!.threshold);
});

test.run();
