import type { ReliabilityBin } from "../scoring/reliability.js";
import { whole } from "../shared/text.js";
import { tidy } from "./bins.js";
import { type Chart, chart, colors, diagonal, emptyView, numeric, silent } from "./chart.js";
import { rowsOf, type Table } from "./options.js";

export interface ReliabilityPlotOptions {
  /** Default "What probabilities came to". */
  title?: string;
  /** Pixels; default 380. */
  size?: number;
}

/**
 * Whether predicted probabilities come true: per bin, the fraction of target trials against the mean predicted probability. On
 * the diagonal they do; below it the calibration is overconfident, above it underconfident. Larger dots stand for more trials.
 *
 * @param bins as returned by `reliability`
 * @throws `missing` when a column is not there
 *
 * @example
 * reliabilityPlot(reliability(trialScores, calibrate(trialScores), { bins: 5 }));
 */
export function reliabilityPlot(
  bins: Table<ReliabilityBin>,
  { title = "What probabilities came to", size = 380 }: ReliabilityPlotOptions = {},
): Chart {
  const columns = ["predicted", "observed", "targets", "nonTargets"] as const;
  const rows = rowsOf<ReliabilityBin>("reliabilityPlot", bins, columns);
  const trials = rows.reduce((sum, { targets, nonTargets }) => sum + targets + nonTargets, 0);
  const heading = {
    title,
    subtitle: rows.length === 0 ? "" : `${whole(trials)} trials`,
    width: size,
    description: `Dots. ${title}: ${rows
      .map(({ predicted, observed }) => `${percent(predicted)} given, ${percent(observed)} true`)
      .join("; ")}.`,
  };
  if (rows.length === 0) return chart(emptyView("No trials", { width: size, height: size }), heading);
  const share = (field: string, title: string) =>
    numeric(field, { domain: [0, 1] }, { title, format: ".0%", tickCount: 5 });
  const x = share("predicted", "probability of one speaker that was given");
  const y = share("observed", "part that was one speaker");
  const view = {
    width: size,
    height: size,
    layer: [
      diagonal(x, y, [0, 1]),
      {
        data: {
          values: rows.map(({ predicted, observed, targets, nonTargets }) => ({
            predicted: tidy(predicted, 4),
            observed: tidy(observed, 4),
            targets,
            nonTargets,
            trials: targets + nonTargets,
          })),
        },
        layer: [
          { mark: { type: "line", color: colors.line, strokeWidth: 1.5, ...silent }, encoding: { x, y } },
          {
            mark: { type: "point", filled: true, opacity: 1, color: colors.line, ...silent },
            encoding: {
              x,
              y,
              size: {
                field: "trials",
                type: "quantitative",
                scale: { type: "sqrt", range: [25, 300] },
                legend: null,
              },
            },
          },
          // Small dots are hard to hover over.
          {
            mark: { type: "point", filled: true, opacity: 0, size: 900 },
            encoding: {
              x,
              y,
              tooltip: [
                { field: "predicted", title: "given", type: "quantitative", format: ".1%" },
                { field: "observed", title: "true", type: "quantitative", format: ".1%" },
                { field: "targets", title: "target trials", type: "quantitative" },
                { field: "nonTargets", title: "non-target trials", type: "quantitative" },
              ],
            },
          },
        ],
      },
    ],
  };
  return chart(view, heading);
}

const percent = (value: number) => `${(100 * value).toFixed(0)} %`;
