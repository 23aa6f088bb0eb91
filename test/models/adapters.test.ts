import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { embed } from "../../src/embed/embed.js";
import { identifyModel, type ModelOptions, openModel } from "../../src/embed/open-model.js";
import { families } from "../../src/features/families.js";
import { openFbank } from "../../src/features/fbank.js";
import type { Matrix } from "../../src/types.js";
import { type OnnxGraph, onnxModel } from "../onnx-model.js";
import { put, temporaryFolder, voice } from "../tiny.js";

type Shape = readonly (number | string)[];

interface Graph {
  input?: string;
  shape?: Shape;
  output?: string;
  metadata?: Record<string, string>;
  /** Another input, int64, which is added to the embedding; and another output. */
  extra?: string;
  logits?: boolean;
}

/** A model whose embedding is the mean of its features over the axis of frames. */
function write(graph: Graph = {}, yaml?: string): string {
  const { input = "feats", shape = ["B", "T", 80], output = "embs", metadata, extra, logits = false } = graph;
  const frames = typeof shape.at(-1) === "number" ? shape.length - 2 : shape.length - 1;
  const nodes: OnnxGraph["nodes"] = [
    {
      op: "ReduceMean",
      inputs: [input],
      outputs: [extra === undefined ? output : "mean"],
      attributes: { axes: [frames], keepdims: shape.length === 2 ? 1 : 0 },
    },
    ...(extra === undefined
      ? []
      : [
          { op: "Cast", inputs: [extra], outputs: ["float"], attributes: { to: 1 } },
          { op: "Add", inputs: ["mean", "float"], outputs: [output] },
        ]),
    ...(logits ? [{ op: "Neg", inputs: [output], outputs: ["logits"] }] : []),
  ];
  const dimension = shape.includes(80) ? 80 : 1;
  const path = join(temporaryFolder(), "model.onnx");
  writeFileSync(
    path,
    onnxModel({
      name: "mean",
      inputs: { [input]: shape, ...(extra === undefined ? {} : { [extra]: [1] }) },
      outputs: { ...(logits ? { logits: ["B", 80] } : {}), [output]: ["B", dimension] },
      nodes,
      ...(extra === undefined ? {} : { int64: [extra] }),
      ...(metadata === undefined ? {} : { metadata }),
    }),
  );
  if (yaml !== undefined) put(path.replace(".onnx", ".yaml"), yaml);
  return path;
}

const signal = { samples: voice(5, { seconds: 1.2 }), sampleRate: 16000 };

async function embedded(modelPath: string, options: ModelOptions = {}): Promise<Float32Array> {
  const model = await openModel({ modelPath, ...options });
  const [embedding] = await embed([signal], model);
  await model.close();
  return embedding!;
}

function meanOf({ data, rows, columns }: Matrix, divisor = rows): number[] {
  return Array.from({ length: columns }, (_, column) => {
    let sum = 0;
    for (let row = 0; row < rows; row++) sum += data[row * columns + column]!;
    return sum / divisor;
  });
}

const near = (a: ArrayLike<number>, b: ArrayLike<number>, tolerance = 1e-4) => {
  assert.is(a.length, b.length);
  const worst = Math.max(...Array.from(a, (value, i) => Math.abs(value - b[i]!)));
  assert.ok(worst <= tolerance, `off by ${worst}`);
};

async function failure(promise: Promise<unknown>): Promise<Error & { tag: string }> {
  try {
    await promise;
  } catch (error) {
    return error as Error & { tag: string };
  }
  throw new Error("it was accepted");
}

test("the metadata of a sherpa-onnx export says what a model is fed", () => {
  const { config, settings } = identifyModel({
    modelPath: write({
      input: "x",
      output: "embedding",
      metadata: {
        framework: "wespeaker",
        sample_rate: "16000",
        output_dim: "80",
        normalize_samples: "0",
        language: "English",
      },
    }),
  });
  assert.equal(
    [config.frontend.window, config.frontend.scale, config.frontend.meanNormalization, config.dimension],
    ["hamming", 32768, true, 80],
  );
  const teller = (key: string) => settings.find((setting) => setting.key === key)?.teller;
  assert.equal(["family", "sample_rate", "frontend.scale", "layout"].map(teller), [
    "metadata",
    "metadata",
    "metadata",
    "family",
  ]);
});

test("a NeMo export is fed features by frames, their number, and read from embs alone", async () => {
  const modelPath = write({
    input: "audio_signal",
    shape: ["B", 80, "T"],
    extra: "length",
    logits: true,
    metadata: {
      framework: "nemo",
      sample_rate: "16000",
      output_dim: "80",
      feat_dim: "80",
      window_size_ms: "25",
      window_stride_ms: "10",
      window_type: "hann",
      feature_normalize_type: "per_feature",
    },
  });
  const features = openFbank(families.nemo).compute(signal.samples);
  assert.is(features.rows, 120);
  // Zeros fill up to 128 frames; the number of frames is added by the graph.
  near(
    await embedded(modelPath),
    meanOf(features, 128).map((mean) => mean + 120),
  );
  const { identity } = identifyModel({ modelPath });
  assert.equal(identity.adapter, {
    layout: "BFT",
    extraInputs: { length: "frames" },
    frameMultiple: 16,
    maxSeconds: 120,
    output: "embs",
  });
});

test("exports without metadata are told by the names of their tensors", async () => {
  const family = (graph: Graph) => {
    const { settings } = identifyModel({ modelPath: write(graph) });
    return settings.find(({ key }) => key === "family")?.value;
  };
  assert.is(family({}), "wespeaker");
  assert.is(family({ input: "feature", output: "embedding" }), "3d-speaker");
  assert.is(family({ input: "audio_signal", shape: ["B", 80, "T"] }), "nemo");
  const error = await failure(openModel({ modelPath: write({ input: "x", output: "y" }) }));
  assert.is(error.tag, "missing");
  assert.match(error.message, /has no configuration beside it, and its file does not say what it is fed/);
  // Features of another length are another front end.
  assert.match(
    (await failure(openModel({ modelPath: write({ shape: ["B", "T", 24] }) }))).message,
    /has no configuration/,
  );
});

test("a waveform model gets samples, also where it has an axis of channels", async () => {
  const config = { family: "waveform", sample_rate: 16000, embedding_size: 1 };
  const standardized = openFbank(families.waveform).compute(signal.samples).data;
  const mean = standardized.reduce((sum, x) => sum + x, 0) / standardized.length;
  near(await embedded(write({ input: "wav", shape: ["B", "N"] }), { config }), [mean]);
  const raw = signal.samples.reduce((sum, x) => sum + x, 0) / signal.samples.length;
  const channels = write({ input: "wav", shape: [1, 1, "N"] });
  near(
    await embedded(channels, {
      config: { ...config, frontend: { standardize: false }, output: "embs" },
    }),
    [raw],
  );
});

test("options count more than the configuration, and that more than the family", async () => {
  const yaml =
    "family: wespeaker\nsample_rate: 16000\nembedding_size: 80\nnorm: none\nfrontend: {scale: 1}\n";
  const modelPath = write({ input: "x", output: "y" }, yaml);
  const expected = (options: object) => meanOf(openFbank(options).compute(signal.samples));
  near(await embedded(modelPath), expected({ ...families.wespeaker, scale: 1, meanNormalization: false }));
  near(
    await embedded(modelPath, { config: { frontend: { window: "povey" } } }),
    expected({ scale: 1, meanNormalization: false }),
  );
  const error = await failure(openModel({ modelPath, config: { windw: "povey" } }));
  assert.match(error.message, /The key windw in the config option is not known\. The keys are .*layout/);
});

test("what contradicts is an error with both values", async () => {
  const metadata = { framework: "wespeaker", sample_rate: "16000", output_dim: "80", normalize_samples: "0" };
  const basic = "sample_rate: 16000\nembedding_size: 80\n";
  for (const [graph, yaml, pattern] of [
    [
      { metadata },
      "sample_rate: 8000\n",
      /sample_rate is 8000 in .*model\.yaml, but 16000 in the metadata of/,
    ],
    [{ metadata }, `${basic}frontend: {scale: 1}\n`, /frontend\.scale is 1 in .*, but 32768 in the metadata/],
    [
      { metadata },
      `${basic}norm: none\nfrontend: {mean_normalization: true}\n`,
      /has norm "none" and frontend/,
    ],
    [{}, "sample_rate: 16000\nembedding_size: 192\n", /embedding_size is 192 in .*, but 80 in the graph/],
    [{}, `${basic}fbank_dim: 64\n`, /fbank_dim is 64 in .*, but 80 in the graph/],
    [
      { metadata: { ...metadata, output_dim: "256" } },
      undefined,
      /embedding_size is 256 in the metadata of .*, but 80/,
    ],
  ] as const) {
    const error = await failure(openModel({ modelPath: write(graph, yaml) }));
    assert.is(error.tag, "conflict");
    assert.match(error.message, pattern);
  }
  // Who says so in a cell means it.
  const modelPath = write({ metadata }, `${basic}frontend: {scale: 1}\n`);
  assert.is(identifyModel({ modelPath, config: { frontend: { scale: 1 } } }).config.frontend.scale, 1);
});

test("metadata and keys that nobody knows are refused with their value", async () => {
  for (const [metadata, pattern] of [
    [{ framework: "wespeaker", feature_normalize_type: "cmvn" }, /norm in the metadata of .* is "cmvn"/],
    [{ framework: "wespeaker", sample_rate: "fast" }, /sample_rate in the metadata of .* is NaN/],
    [{ framework: "nemo", window_type: "kaiser" }, /frontend\.window in the metadata of .* is "kaiser"/],
  ] as const)
    assert.match((await failure(openModel({ modelPath: write({ metadata }) }))).message, pattern);
  const basic = "sample_rate: 16000\nembedding_size: 80\n";
  for (const [yaml, pattern] of [
    ["layout: TBF\n", /layout in .* is "TBF"\. Did you mean BTF\? It must be BTF, BFT, waveform/],
    ["extra_inputs: {length: seconds}\n", /extra_inputs in .* must say for each input what it is fed/],
    ["partials: {frames: 0, step: 1, min_coverage: 0}\n", /partials\.frames .* is 0/],
    ["golden: {audio: a.wav}\n", /golden in .* has no embedding\. It must name audio and embedding/],
    ["frame_multiple: 1.5\n", /frame_multiple/],
    ["max_seconds: 0\n", /max_seconds/],
  ] as const)
    assert.match((await failure(openModel({ modelPath: write({}, basic + yaml) }))).message, pattern);
});

test("an input that nobody feeds, one that is not there, and a fixed length are errors that say what to do", async () => {
  const basic = "sample_rate: 16000\nembedding_size: 80\ninput: feats\noutput: embs\n";
  assert.match(
    (await failure(openModel({ modelPath: write({ extra: "lens" }, basic) }))).message,
    /also asks for "lens"\. Say .* extra_inputs: \{lens: frames\}/,
  );
  assert.match(
    (await failure(openModel({ modelPath: write({}, `${basic}extra_inputs: {lens: share}\n`) }))).message,
    /has no input "lens"/,
  );
  assert.match(
    (await failure(openModel({ modelPath: write({ shape: ["B", 200, 80] }, basic) }))).message,
    /takes exactly 200 frames in "feats"\. Export it with a free axis/,
  );
});

test("graphs without an input or output, with several, or with too few axes are errors that say so", async () => {
  const basic = "sample_rate: 16000\nembedding_size: 80\n";
  const graph = (changes: Partial<OnnxGraph>): string => {
    const path = join(temporaryFolder(), "model.onnx");
    const inputs = { x: ["B", "T", 80] };
    const nodes: OnnxGraph["nodes"] = [
      { op: "ReduceMean", inputs: ["x"], outputs: ["a"], attributes: { axes: [1], keepdims: 0 } },
      { op: "Neg", inputs: ["a"], outputs: ["b"] },
    ];
    writeFileSync(path, onnxModel({ name: "g", inputs, outputs: { a: ["B", 80] }, nodes, ...changes }));
    put(path.replace(".onnx", ".yaml"), basic);
    return path;
  };
  const both = { a: ["B", 80], b: ["B", 80] };
  const weight = { w: { data: new Float32Array(80), shape: [1, 80] } };
  const constant: OnnxGraph["nodes"] = [{ op: "Neg", inputs: ["w"], outputs: ["a"] }];
  const flat: OnnxGraph["nodes"] = [{ op: "Neg", inputs: ["x"], outputs: ["a"] }];
  for (const [changes, pattern] of [
    [{ outputs: {} }, /has no output at all, so it cannot embed anything/],
    [{ inputs: {}, initializers: weight, nodes: constant }, /has no input at all/],
    [
      { outputs: both },
      /has several outputs: a, b\. Say in the configuration which one is the embedding: `output: a`/,
    ],
    [
      { inputs: { x: ["N"] }, outputs: { a: ["N"] }, nodes: flat },
      /"x" of .* has 1 axis, but features have 3 \(batch, frames, mel bins\)/,
    ],
  ] as const)
    assert.match((await failure(openModel({ modelPath: graph(changes) }))).message, pattern);
});

test("an output with an axis of length one more, or with free axes, is read by its numbers", async () => {
  for (const shape of [
    ["B", 1, 80],
    ["B", "D"],
    ["B", "T", "D"],
  ]) {
    const path = join(temporaryFolder(), "model.onnx");
    const attributes = { axes: [1], keepdims: shape.length === 3 ? 1 : 0 };
    const nodes = [{ op: "ReduceMean", inputs: ["x"], outputs: ["a"], attributes }];
    writeFileSync(
      path,
      onnxModel({ name: "g", inputs: { x: ["B", "T", 80] }, outputs: { a: shape }, nodes }),
    );
    put(path.replace(".onnx", ".yaml"), "sample_rate: 16000\nembedding_size: 80\n");
    assert.is((await embedded(path)).length, 80);
  }
});

test("a signal that is longer than the model takes is refused", async () => {
  const modelPath = write({}, "sample_rate: 16000\nembedding_size: 80\nmax_seconds: 1\n");
  assert.match(
    (await failure(embedded(modelPath))).message,
    /The signal is 1\.2 s long\. The model takes at most 1 s/,
  );
});

test.run();
