import type { Matrix } from "../types.js";
import type { Chart } from "./chart.js";
import { type HeatmapOptions, heatmap } from "./heatmap.js";

/**
 * The heat map of the first 50 speakers, where every name can be read.
 *
 * @example
 * heatmapSubset({ keys, matrix })
 */
export function heatmapSubset(
  data: { keys: readonly string[]; matrix: Matrix },
  { subset = 50, ...options }: HeatmapOptions = {},
): Chart {
  return heatmap(data, { subset, ...options });
}
