import type { OperatingPoint } from "../scoring/operating-points.js";
import { tidy } from "./bins.js";
import { type Chart, chart, colors, emptyView, silent } from "./chart.js";
import { percent } from "./intra-inter.js";
import { rowsOf, type Table } from "./options.js";

export interface DetPlotOptions {
  /** Default "Missed speakers against false alarms". */
  title?: string;
  /** Equal error rate, 0 to 1, to mark on the diagonal; default: no mark. */
  eer?: number;
  /** Pixels; default 380. */
  size?: number;
}

const MAX_POINTS = 400;
/** Error rates that are named on the axes, and their normal deviates. */
const TICKS = [0.0001, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6];
const DEVIATES = [-3.719, -3.0902, -2.5758, -2.3263, -2.0537, -1.6449, -1.2816, -0.8416, -0.2533, 0.2533];

/**
 * Detection error trade-off (Martin et al., 1997): the miss rate against the false alarm rate over all thresholds, both axes
 * in normal deviates. Closer to the lower left is better.
 *
 * @param points error rates at rising thresholds, each 0 to 1
 * @throws `missing` when a column is not there
 *
 * @example
 * detPlot(detCurve(scores), { eer: equalErrorRate(scores).eer })
 */
export function detPlot(
  points: Table<OperatingPoint>,
  { eer, title = "Missed speakers against false alarms", size = 380 }: DetPlotOptions = {},
): Chart {
  const curve = rowsOf<OperatingPoint>("detPlot", points, ["threshold", "missRate", "falseAlarmRate"]);
  const facts = eer === undefined ? "" : `equal error rate ${percent(eer)}`;
  const heading = {
    title,
    subtitle: facts,
    width: size,
    description: `Curve. ${title}${facts && `: ${facts}`}.`,
  };
  const inside = curve.filter(
    ({ missRate, falseAlarmRate }) =>
      missRate > 0 && falseAlarmRate > 0 && missRate < 1 && falseAlarmRate < 1,
  );
  if (inside.length === 0) {
    const text = curve.length === 0 ? "No trials" : "No errors: there is a threshold that parts the two";
    return chart(emptyView(text, { width: size, height: size }), heading);
  }
  const step = Math.ceil(inside.length / MAX_POINTS);
  const values = inside
    .filter((_, k) => k % step === 0 || k === inside.length - 1)
    .map(({ missRate, falseAlarmRate, threshold }) => ({
      miss: tidy(missRate),
      alarm: tidy(falseAlarmRate),
      threshold: tidy(threshold, 4),
    }));
  const lowest = Math.min(eer ?? 1, ...values.map(({ miss, alarm }) => Math.min(miss, alarm)));
  const first = Math.max(
    0,
    TICKS.findLastIndex((tick) => tick <= lowest),
  );
  const axis = (name: string) => ({
    title: name,
    values: DEVIATES.slice(first),
    labelExpr: "format(round(cumulativeNormal(datum.value) * 10000) / 100, '~g') + ' %'",
  });
  const scale = { domain: [DEVIATES[first], DEVIATES[DEVIATES.length - 1]], nice: false, zero: false };
  const x = {
    field: "x",
    type: "quantitative",
    scale,
    axis: axis("false alarms: two speakers taken for one"),
  };
  const y = { field: "y", type: "quantitative", scale, axis: axis("misses: one speaker taken for two") };
  const deviates = [
    { calculate: "quantileNormal(datum.alarm)", as: "x" },
    { calculate: "quantileNormal(datum.miss)", as: "y" },
  ];
  const ends = [{ d: DEVIATES[first] }, { d: DEVIATES[DEVIATES.length - 1] }];
  const view = {
    width: size,
    height: size,
    layer: [
      {
        data: { values: ends },
        mark: { type: "line", color: "#9a9a9a", strokeDash: [3, 3], strokeWidth: 1, ...silent },
        encoding: { x: { ...x, field: "d" }, y: { ...y, field: "d" } },
      },
      {
        data: { values },
        transform: deviates,
        mark: {
          type: "line",
          color: colors.line,
          strokeWidth: 2,
          clip: true,
          point: { size: 40, opacity: 0 },
        },
        encoding: {
          x,
          y,
          order: { field: "threshold" },
          tooltip: [
            { field: "threshold", title: "threshold", type: "quantitative", format: ".3f" },
            { field: "alarm", title: "false alarms", type: "quantitative", format: ".2%" },
            { field: "miss", title: "misses", type: "quantitative", format: ".2%" },
          ],
        },
      },
      ...(eer === undefined || eer <= 0
        ? []
        : [
            {
              data: { values: [{ alarm: eer, miss: eer, label: `equal error rate ${percent(eer)}` }] },
              transform: deviates,
              layer: [
                {
                  mark: {
                    type: "point",
                    filled: true,
                    size: 80,
                    opacity: 1,
                    color: colors.accent,
                    ...silent,
                  },
                  encoding: { x, y },
                },
                {
                  mark: { type: "text", align: "left", dx: 9, dy: -8, color: colors.accent, ...silent },
                  encoding: { x, y, text: { field: "label" } },
                },
              ],
            },
          ]),
    ],
  };
  return chart(view, heading);
}
