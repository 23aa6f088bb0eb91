import { invalid } from "../errors.js";
import type { OperatingPoint } from "../scoring/operating-points.js";
import { printable } from "../shared/printable.js";
import { tidy } from "./bins.js";
import { type Chart, chart, colors, diagonal, emptyView, hues, numeric, silent } from "./chart.js";
import { percent } from "./intra-inter.js";
import { rowsOf, type Table } from "./options.js";

export interface DetPlotOptions {
  /** Default "Missed speakers against false alarms". */
  title?: string;
  /** Equal error rate, 0 to 1, to mark on the diagonal; of several systems by their name. Default: no mark. */
  eer?: number | Record<string, number>;
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
 * @param points error rates at rising thresholds, each 0 to 1; or those of up to eight systems by their name, in one chart
 * @throws `missing` when a column is not there; `invalid` for no or more than eight systems, and for the equal error rate of
 * a system that is not there
 *
 * @example
 * detPlot(detCurve(scores), { eer: equalErrorRate(scores).eer })
 * detPlot({ all: detCurve(scores), drawn: detCurve(trialScores) })
 */
export function detPlot(
  points: Table<OperatingPoint> | Record<string, Table<OperatingPoint>>,
  { eer, title = "Missed speakers against false alarms", size = 380 }: DetPlotOptions = {},
): Chart {
  const systems = systemsOf(points, eer);
  const rates = systems.flatMap(({ name, eer }) =>
    eer === undefined ? [] : [name === undefined ? percent(eer) : `${name} ${percent(eer)}`],
  );
  const facts = rates.length === 0 ? "" : `equal error rate ${rates.join(", ")}`;
  const heading = {
    title,
    subtitle: facts,
    width: size,
    description: `Curve. ${title}${facts && `: ${facts}`}.`,
  };
  const values = systems.flatMap(({ name, curve }) =>
    drawn(curve).map((point) => ({ ...point, ...named(name) })),
  );
  if (values.length === 0) {
    const isEmpty = systems.every(({ curve }) => curve.length === 0);
    const text = isEmpty ? "No trials" : "No errors: there is a threshold that parts the two";
    return chart(emptyView(text, { width: size, height: size }), heading);
  }
  const marks = systems.flatMap(({ name, eer }) =>
    eer === undefined || eer <= 0
      ? []
      : [{ alarm: eer, miss: eer, label: `equal error rate ${percent(eer)}`, ...named(name) }],
  );
  const isSingle = systems.length === 1 && systems[0].name === undefined;
  const names = systems.map(({ name }) => name);
  const color = isSingle
    ? {}
    : {
        color: {
          field: "system",
          type: "nominal",
          scale: { domain: names, range: hues.slice(0, names.length) },
          legend: { title: null, orient: "bottom", direction: "vertical" },
        },
      };
  const lowest = Math.min(
    ...marks.map(({ miss }) => miss),
    ...values.map(({ miss, alarm }) => Math.min(miss, alarm)),
  );
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
  const x = numeric("x", scale, axis("false alarms: two speakers taken for one"));
  const y = numeric("y", scale, axis("misses: one speaker taken for two"));
  const deviates = [
    { calculate: "quantileNormal(datum.alarm)", as: "x" },
    { calculate: "quantileNormal(datum.miss)", as: "y" },
  ];
  const view = {
    width: size,
    height: size,
    layer: [
      diagonal(x, y, scale.domain),
      {
        data: { values },
        transform: deviates,
        mark: {
          type: "line",
          ...(isSingle ? { color: colors.line } : {}),
          strokeWidth: 2,
          clip: true,
          point: { size: 40, opacity: 0 },
        },
        encoding: {
          x,
          y,
          ...color,
          order: { field: "threshold" },
          tooltip: [
            ...(isSingle ? [] : [{ field: "system", type: "nominal" }]),
            { field: "threshold", title: "threshold", type: "quantitative", format: ".3f" },
            { field: "alarm", title: "false alarms", type: "quantitative", format: ".2%" },
            { field: "miss", title: "misses", type: "quantitative", format: ".2%" },
          ],
        },
      },
      ...(marks.length === 0
        ? []
        : [
            {
              data: { values: marks },
              transform: deviates,
              layer: [
                {
                  mark: {
                    type: "point",
                    filled: true,
                    size: 80,
                    opacity: 1,
                    ...(isSingle ? { color: colors.accent } : {}),
                    ...silent,
                  },
                  encoding: { x, y, ...color },
                },
                // Of several systems the line above says the rates: their labels would overlap.
                ...(isSingle
                  ? [
                      {
                        mark: { type: "text", align: "left", dx: 9, dy: -8, color: colors.accent, ...silent },
                        encoding: { x, y, text: { field: "label" } },
                      },
                    ]
                  : []),
              ],
            },
          ]),
    ],
  };
  return chart(view, heading);
}

interface System {
  /** None where there is but one. */
  name?: string;
  curve: OperatingPoint[];
  eer?: number;
}

function systemsOf(
  points: Table<OperatingPoint> | Record<string, Table<OperatingPoint>>,
  eer: DetPlotOptions["eer"],
): System[] {
  const columns = ["threshold", "missRate", "falseAlarmRate"] as const;
  const curveOf = (table: Table<OperatingPoint>) => rowsOf<OperatingPoint>("detPlot", table, columns);
  if (!isNamed(points)) {
    if (typeof eer === "object")
      throw invalid("detPlot has one curve, so its equal error rate is a number, not one for each name.");
    return [{ curve: curveOf(points), eer }];
  }
  const names = Object.keys(points);
  if (names.length === 0 || names.length > hues.length)
    throw invalid(`detPlot has ${names.length} systems. It draws 1 to ${hues.length} in one chart.`, {
      got: names.length,
    });
  if (typeof eer === "number")
    throw invalid(
      "detPlot has named curves, so give their equal error rates by name: { eer: { cosine: 0.09 } }.",
    );
  for (const name of Object.keys(eer ?? {}))
    if (!names.includes(name))
      throw invalid(
        `detPlot has the equal error rate of ${name}, but no curve of that name. There are ${names.join(", ")}.`,
      );
  return names.map((name) => ({ name: printable(name), curve: curveOf(points[name]), eer: eer?.[name] }));
}

const isNamed = (
  points: Table<OperatingPoint> | Record<string, Table<OperatingPoint>>,
): points is Record<string, Table<OperatingPoint>> =>
  typeof points === "object" &&
  points !== null &&
  !(Symbol.iterator in points) &&
  !("missRate" in points) &&
  !("$data" in points) &&
  Object.keys(points).length > 0;

const named = (system: string | undefined) => (system === undefined ? {} : { system });

/** The points of a curve that the axes have room for, at most MAX_POINTS. */
function drawn(curve: readonly OperatingPoint[]) {
  const inside = curve.filter(
    ({ missRate, falseAlarmRate }) =>
      missRate > 0 && falseAlarmRate > 0 && missRate < 1 && falseAlarmRate < 1,
  );
  const step = Math.ceil(inside.length / MAX_POINTS);
  return inside
    .filter((_, k) => k % step === 0 || k === inside.length - 1)
    .map(({ missRate, falseAlarmRate, threshold }) => ({
      miss: tidy(missRate),
      alarm: tidy(falseAlarmRate),
      threshold: tidy(threshold, 4),
    }));
}
