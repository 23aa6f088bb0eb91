import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { loadAudio } from "../../src/audio/load-audio.js";
import { embed } from "../../src/embed/embed.js";
import { type Fit, fitting } from "../../src/embed/fit-front-end.js";
import { fitModel } from "../../src/embed/inspect-model.js";
import { openModel } from "../../src/embed/open-model.js";
import { writeNpy } from "../../src/format/npy.js";
import { packageRoot } from "../../src/util/package-root.js";
import { speakerscope } from "../cli.js";
import { onnxModel } from "../onnx-model.js";
import { put, temporaryFolder } from "../tiny.js";

const clip = join(packageRoot, "data/speech/test-other/533/533-1066-0000.flac");
const dimension = 32;

interface Layout {
  bins?: number;
  /** Batch, features, frames, and the number of frames beside it. */
  isNemo?: boolean;
  isWaveform?: boolean;
}

/** A small graph in the layout of a family, whose embedding depends on every detail of its features; names tell nothing. */
function graph({ bins = 80, isNemo = false, isWaveform = false }: Layout): string {
  const columns = isWaveform ? 1 : bins;
  const slope = 0.11;
  const weights = Float32Array.from(
    { length: columns * dimension },
    (_, i) => slope * Math.sin(i * 1.7 + (i % 7)),
  );
  const shape = isWaveform ? ["B", "T"] : isNemo ? ["B", bins, "T"] : ["B", "T", bins];
  const path = join(temporaryFolder(), "m.onnx");
  const perm = [0, 2, 1];
  const column = { data: BigInt64Array.from([0n, -1n, 1n]), shape: [3] };
  writeFileSync(
    path,
    onnxModel({
      name: "m",
      inputs: { x: shape, ...(isNemo ? { length: ["B"] } : {}) },
      outputs: { y: ["B", dimension] },
      int64: ["length"],
      initializers: {
        weights: { data: weights, shape: [columns, dimension] },
        ...(isWaveform ? { column } : {}),
      },
      nodes: [
        ...(isNemo ? [{ op: "Transpose", inputs: ["x"], outputs: ["rows"], attributes: { perm } }] : []),
        ...(isWaveform ? [{ op: "Reshape", inputs: ["x", "column"], outputs: ["rows"] }] : []),
        { op: "MatMul", inputs: [isNemo || isWaveform ? "rows" : "x", "weights"], outputs: ["mixed"] },
        { op: "Tanh", inputs: ["mixed"], outputs: ["bent"] },
        { op: "Abs", inputs: ["bent"], outputs: ["level"] },
        { op: "ReduceMean", inputs: ["level"], outputs: ["y"], attributes: { axes: [1], keepdims: 0 } },
      ],
    }),
  );
  return path;
}

/** The embedding that a family's front end gives with the graph, in a file. */
async function golden(modelPath: string, config: Record<string, unknown>): Promise<string> {
  const model = await openModel({
    modelPath,
    config: { sample_rate: 16000, embedding_size: dimension, ...config },
  });
  const [embedding] = await embed([await loadAudio(clip, { sampleRate: 16000 })], model);
  await model.close();
  return put(join(temporaryFolder(), "clip.npy"), writeNpy(embedding!));
}

const layouts: Record<string, Layout> = {
  "3d-speaker": {},
  wespeaker: {},
  speechbrain: {},
  nemo: { isNemo: true },
  "nemo-1": { isNemo: true },
  ge2e: { bins: 40 },
  waveform: { isWaveform: true },
};

for (const [family, layout] of Object.entries(layouts))
  test(`the front end of ${family} is found among all by an embedding that it gives`, async () => {
    const modelPath = graph(layout);
    const fits = await fitModel(modelPath, clip, await golden(modelPath, { family }));
    assert.is(fits[0]!.settings, `family: ${family}`, JSON.stringify(fits.slice(0, 4)));
    assert.ok(fits[0]!.cosine > 0.999999);
    const { equal } = fitting(fits);
    assert.ok(
      equal.every(({ config }) => config.family === undefined || config.family === family),
      JSON.stringify(equal),
    );
  });

test("what fits as well is said, and what nearly fits is told from it", async () => {
  const fit = (settings: string, cosine: number): Fit => ({ settings, cosine, config: {} });
  const fits = [fit("a", 1), fit("b", 1 - 2e-7), fit("c", 0.9993), fit("d", 0.99), fit("e", Number.NaN)];
  const names = (some: Fit[]) => some.map(({ settings }) => settings).join("");
  assert.equal([names(fitting(fits).equal), names(fitting(fits).worse)], ["ab", "c"]);
  assert.equal(fitting(fits.slice(3)), { equal: [], worse: [] });

  // The mean over the signal takes a scale away again, so that nothing tells these two apart.
  const modelPath = graph({});
  const file = await golden(modelPath, { family: "wespeaker" });
  const { status, stdout, stderr } = speakerscope(["model", modelPath, "--fit", clip, file], {
    cwd: temporaryFolder(),
  });
  assert.is(status, 0, stderr);
  assert.match(stdout, /family: wespeaker +1\.000000/);
  assert.match(stdout, /It fits with family: wespeaker\n/);
  assert.match(stdout, /It fits as well with window: hamming(; .*)?: this file does not tell them apart/);
  assert.match(stdout, /Near misses, which are not it: .*window: blackman/);
});

test.run();
