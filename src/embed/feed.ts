import { invalid } from "../errors.js";
import type { ExtraInput, ModelConfig } from "../models/adapter.js";
import type { InputTensor, TensorInfo } from "../runtime/session.js";
import type { Matrix } from "../types.js";

/** The tensors for features that all have the same number of frames, as the model's graph takes them. */
export function feed(
  features: readonly Matrix[],
  config: Pick<ModelConfig, "layout" | "frameMultiple" | "extraInputs">,
  input: TensorInfo,
  inputs: readonly TensorInfo[],
): Record<string, InputTensor> {
  const batch = features.length;
  const { rows, columns } = features[0]!;
  const length = config.frameMultiple * Math.ceil(rows / config.frameMultiple);
  const isPlain = config.layout !== "BFT" && length === rows;
  const data = isPlain
    ? stack(features)
    : stack(features.map((matrix) => laidOut(matrix, config.layout, length)));
  const axes = { BTF: [length, columns], BFT: [columns, length], waveform: [length] }[config.layout];
  // Some exports have an axis of channels: batch, 1, features, frames.
  const channels = Array.from({ length: Math.max(0, input.shape.length - 1 - axes.length) }, () => 1);
  const tensors: Record<string, InputTensor> = {
    [input.name]: { data, shape: [batch, ...channels, ...axes] },
  };
  for (const [name, kind] of Object.entries(config.extraInputs)) {
    const type = inputs.find((one) => one.name === name)?.type ?? "int64";
    tensors[name] = extra(kind, type, batch, rows, length);
  }
  return tensors;
}

function extra(kind: ExtraInput, type: string, batch: number, rows: number, length: number): InputTensor {
  if (kind === "mask") {
    const mask = Float32Array.from({ length: batch * length }, (_, i) => Number(i % length < rows));
    return { data: ofType(mask, type), shape: [batch, length] };
  }
  const value = kind === "share" ? rows / length : rows;
  return { data: ofType(new Float32Array(batch).fill(value), type), shape: [batch] };
}

function ofType(values: Float32Array, type: string): InputTensor["data"] {
  if (type === "int64") return BigInt64Array.from(values, (value) => BigInt(Math.round(value)));
  return type === "int32" ? Int32Array.from(values) : values;
}

/** Zeros behind the last frame, and frames along the second axis where the graph has them so. */
function laidOut({ data, rows, columns }: Matrix, layout: ModelConfig["layout"], length: number): Matrix {
  const laid = new Float32Array(length * columns);
  if (layout !== "BFT") laid.set(data);
  else
    for (let row = 0; row < rows; row++)
      for (let column = 0; column < columns; column++)
        laid[column * length + row] = data[row * columns + column]!;
  return { data: laid, rows: length, columns };
}

function stack(features: readonly Matrix[]): Float32Array {
  if (features.length === 1) return features[0]!.data;
  const size = features[0]!.data.length;
  const data = new Float32Array(size * features.length);
  features.forEach((matrix, index) => {
    if (matrix.data.length !== size)
      throw invalid(
        `A batch holds signals of ${features[0]!.rows} and of ${matrix.rows} frames. All of them must have as many.`,
        { got: matrix.rows },
      );
    data.set(matrix.data, index * size);
  });
  return data;
}
