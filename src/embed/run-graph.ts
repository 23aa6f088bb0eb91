import { invalid, unsupported } from "../errors.js";
import type { ModelConfig } from "../models/adapter.js";
import { notFloat32, type Session, type TensorInfo } from "../runtime/session.js";
import type { Matrix } from "../types.js";
import { feed } from "./feed.js";

/** Embeddings of features that all have the same number of frames: Float32Array (dimension) each. */
export type RunGraph = (features: readonly Matrix[]) => Promise<Float32Array[]>;

/** Parts of signals that go through the model together. */
const partsAtOnce = 32;

/** Connects a session with what is known of its graph; throws where the two do not fit. */
export function runGraph(session: Session, config: ModelConfig, path: string): RunGraph {
  const input = pick(
    session.inputs.filter(({ name }) => !Object.hasOwn(config.extraInputs, name)),
    config.input,
    "input",
    path,
  );
  const output = pick(session.outputs, config.output, "output", path);
  for (const { name, type } of [input, output]) if (type !== "float32") throw notFloat32(path, name, type);
  for (const { name } of session.inputs)
    if (name !== input.name && !Object.hasOwn(config.extraInputs, name))
      throw invalid(
        `The graph of ${path} also asks for "${name}". Say in the configuration what it is fed: ` +
          `extra_inputs: {${name}: frames}, or share, samples or mask.`,
        { path, got: name },
      );
  for (const name of Object.keys(config.extraInputs))
    if (!session.inputs.some((one) => one.name === name))
      throw invalid(`The graph of ${path} has no input "${name}", which extra_inputs names. Take it out.`, {
        path,
        got: name,
      });
  checkAxes(input, config, path);
  checkFrames(input, config, path);

  const atOnce = async (features: readonly Matrix[]): Promise<Float32Array[]> => {
    const { data } = (await session.run(feed(features, config, input, session.inputs), [output.name]))[
      output.name
    ]!;
    const { dimension } = config;
    if (data.length !== features.length * dimension)
      throw invalid(
        `embedding_size in the configuration of ${path} is ${dimension}, but the graph gives ${data.length / features.length} numbers. Correct the configuration.`,
        { path, got: dimension },
      );
    return features.map((_, index) => data.slice(index * dimension, (index + 1) * dimension));
  };
  const isSingle = input.shape[0] === 1;
  const run: RunGraph = isSingle
    ? async (features) => {
        const embeddings: Float32Array[] = [];
        for (const matrix of features) embeddings.push(...(await atOnce([matrix])));
        return embeddings;
      }
    : atOnce;
  const { partials } = config;
  return partials === undefined ? run : (features) => runParts(features, partials.frames, run);
}

async function runParts(features: readonly Matrix[], frames: number, run: RunGraph): Promise<Float32Array[]> {
  const parts = features.flatMap(({ data, rows, columns }) =>
    Array.from({ length: rows / frames }, (_, i) => ({
      data: data.subarray(i * frames * columns, (i + 1) * frames * columns),
      rows: frames,
      columns,
    })),
  );
  const embedded: Float32Array[] = [];
  for (let first = 0; first < parts.length; first += partsAtOnce)
    embedded.push(...(await run(parts.slice(first, first + partsAtOnce))));
  let end = 0;
  return features.map(({ rows }) => {
    const start = end;
    end += rows / frames;
    return unitMean(embedded.slice(start, end));
  });
}

function unitMean(rows: readonly Float32Array[]): Float32Array {
  const sum = new Float64Array(rows[0]!.length);
  for (const row of rows)
    row.forEach((value, i) => {
      sum[i]! += value;
    });
  const norm = Math.hypot(...sum);
  return Float32Array.from(sum, (value) => value / norm);
}

/** Features have three axes (some graphs have one of channels more), samples two. */
function checkAxes({ name, shape }: TensorInfo, { layout }: ModelConfig, path: string): void {
  const axes = layout === "waveform" ? ["batch", "samples"] : ["batch", "frames", "mel bins"];
  // The runtime says nothing of axes where the graph does not.
  if (shape.length === 0 || shape.length >= axes.length) return;
  throw unsupported(
    `"${name}" of ${path} has ${shape.length} ${shape.length === 1 ? "axis" : "axes"}, but ${layout === "waveform" ? "samples" : "features"} have ${axes.length} ` +
      `(${axes.join(", ")}). Name another input, or say layout: waveform for a model that takes samples.`,
    { path, got: shape.length },
  );
}

/** Some models were exported for one number of frames. */
function checkFrames({ name, shape }: TensorInfo, { layout, partials }: ModelConfig, path: string): void {
  const axis = shape.at(layout === "BTF" ? -2 : -1);
  if (typeof axis !== "number" || axis <= 0 || shape.length < 2 || partials?.frames === axis) return;
  throw unsupported(
    `The graph of ${path} takes exactly ${axis} ${layout === "waveform" ? "samples" : "frames"} in "${name}". Export it with a free axis, or say ` +
      `partials: {frames: ${axis}, step: ${axis}, min_coverage: 0.5} in its configuration, which embeds parts of that length.`,
    { path, got: axis },
  );
}

/** The graph's value of that name, or its only one when no name was given. */
function pick(values: readonly TensorInfo[], name: string, kind: string, path: string): TensorInfo {
  const found = name === "" && values.length === 1 ? values[0] : values.find((value) => value.name === name);
  if (found !== undefined) return found;
  if (values.length === 0)
    throw unsupported(`The graph of ${path} has no ${kind} at all, so it cannot embed anything.`, { path });
  if (name === "")
    throw invalid(
      `The graph of ${path} has several ${kind}s: ${values.map((value) => value.name).join(", ")}. Say in the configuration which one is ` +
        `the ${kind === "input" ? "features" : "embedding"}: \`${kind}: ${values[0]!.name}\`.`,
      { path, got: values.map((value) => value.name) },
    );
  throw invalid(
    `The graph of ${path} has no ${kind} "${name}". Give its name in the configuration: ${values.map((value) => value.name).join(" or ")}.`,
    { path, got: name },
  );
}
