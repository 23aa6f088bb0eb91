import { invalid } from "../errors.js";
import { quantity, shorten, whole } from "../shared/text.js";
import type { Matrix } from "../types.js";
import { tidy } from "./bins.js";
import { type Chart, chart, colors, emptyView, numeric, type Part } from "./chart.js";
import { cosine, roughWidth } from "./text.js";
import { zoom } from "./zoom.js";

export interface HeatmapOptions {
  /** The order in which to draw the rows, such as a clustered one; default: as they are. */
  order?: ArrayLike<number>;
  /** A name for each row; default: its key. */
  labels?: readonly string[];
  /** Default: how many speakers it shows. */
  title?: string;
  /** Up to this many speakers, every name is on the axes; default 60. */
  maxLabels?: number;
  /** Draws only this many rows, the first ones of `order`; default: all. */
  subset?: number;
  /** What a cell shows above 300 speakers, where it stands for a block of pairs; default "mean". */
  aggregate?: "mean" | "max";
}

/**
 * Above this many rows, cells are blocks of pairs: cells below two pixels are hard to see or to point at, and a picture of
 * 500 x 500 cells takes 7 CPU-seconds (300 x 300: 2).
 */
const MAX_ROWS = 300;
/** Stands for a missing value: a list of numbers in Vega-Lite cannot hold null. */
const MISSING = -9;

/**
 * Speaker similarity as a heat map: a cell per pair, blue for negative and red for positive cosines, or dark to light where
 * none is negative. The colour scale ends at the largest similarity of two *different* speakers; the diagonal is grey.
 * Drag to pan, Ctrl + wheel (or pinch) to zoom, double-click to reset. Above 300 speakers a cell is a block of pairs, and
 * the title says so.
 *
 * @param data `keys`: n names; `matrix`: Matrix (n, n), cosines in [-1, 1]
 * @throws `invalid` when the sizes of keys, matrix, labels or order contradict each other
 *
 * @example
 * heatmap({ keys, matrix }, { order: clusterOrder(matrix) })
 */
export function heatmap(
  { keys, matrix }: { keys: readonly string[]; matrix: Matrix },
  { order, labels = keys, title, maxLabels = 60, subset, aggregate = "mean" }: HeatmapOptions = {},
): Chart {
  checkSizes(keys, matrix, labels, order);
  const rows = Array.from(order ?? keys.keys()).slice(0, subset);
  const n = rows.length;
  const block = Math.ceil(n / MAX_ROWS);
  const heading =
    title ??
    `Similarity of ${quantity(n, "speaker")}${block > 1 ? `, in blocks of ${block} × ${block}` : ""}`;
  const part = n < keys.length ? `the first ${whole(n)} of ${quantity(keys.length, "speaker")}` : "";
  if (n === 0) {
    const size = { width: 400, height: 120 };
    return chart(emptyView("No speakers", size), { title: heading, width: 400, description: "No speakers." });
  }
  const names = rows.map((row) => shorten(labels[row], 40));
  const cells = block === 1 ? pairs(matrix, rows) : blocks(matrix, rows, block, aggregate);
  const { low, high } = cells;
  const side = sideOf(Math.ceil(n / block));
  const range = `between ${cosine(low)} and ${cosine(high)}`;
  const cosines =
    n === 2 ? `cosine of the two speakers ${cosine(low)}` : `cosine of two different speakers ${range}`;
  const text = high < low ? "no pair to compare" : `${cosines}; the diagonal is grey`;
  const shown = block === 1 ? text : `each cell is the ${aggregate} over ${block} × ${block} pairs, ${range}`;
  return chart(block === 1 ? pairView(cells, names, side, maxLabels) : blockView(cells, names, side, block), {
    title: heading,
    subtitle: [part, shown],
    width: Math.max(side, 320),
    description: `Heat map. ${heading}${part && `, ${part}`}: ${shown}.`,
  });
}

/** Cells cover whole pixels; others would show patterns that are not in the data. */
function sideOf(size: number): number {
  const cell = size > 60 ? Math.max(2, Math.floor(640 / size)) : Math.max(11, Math.round(34 - size / 2));
  return size * Math.max(cell, Math.ceil(200 / size));
}

/** A cell per pair, row after row, and the range of the pairs of two different speakers. */
function pairs({ data, columns }: Matrix, rows: number[]): Cells {
  const cells = new Array<number>(rows.length ** 2);
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  let k = 0;
  for (const i of rows) {
    for (const j of rows) {
      const value = data[i * columns + j];
      cells[k++] = Number.isFinite(value) ? Math.round(value * 1000) / 1000 : MISSING;
      if (i === j || !Number.isFinite(value)) continue;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  return { cells, low, high };
}

/** The mean or the maximum of the pairs of two different speakers in each block. */
function blocks({ data, columns }: Matrix, rows: number[], block: number, aggregate: "mean" | "max"): Cells {
  const size = Math.ceil(rows.length / block);
  const cells = new Array<number>(size * size);
  const sums = new Float64Array(size);
  const counts = new Float64Array(size);
  const tops = new Float32Array(size);
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (let a = 0; a < size; a++) {
    sums.fill(0);
    counts.fill(0);
    tops.fill(Number.NEGATIVE_INFINITY);
    for (const i of rows.slice(a * block, (a + 1) * block)) {
      for (let c = 0; c < rows.length; c++) {
        const j = rows[c];
        const value = data[i * columns + j];
        if (i === j || !Number.isFinite(value)) continue;
        const b = (c / block) | 0;
        sums[b] += value;
        counts[b]++;
        if (value > tops[b]) tops[b] = value;
      }
    }
    for (let b = 0; b < size; b++) {
      const value = aggregate === "max" ? tops[b] : sums[b] / counts[b];
      cells[a * size + b] = counts[b] > 0 ? Math.round(value * 1000) / 1000 : MISSING;
      if (counts[b] === 0) continue;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  return { cells, low, high };
}

interface Cells {
  cells: number[];
  low: number;
  high: number;
}

/** A cell for each pair of speakers, with their names at the axes. */
function pairView({ cells, low, high }: Cells, names: string[], side: number, maxLabels: number): Part {
  const n = names.length;
  const all = n <= maxLabels;
  const fontSize = Math.max(8, Math.min(11, side / n - 1));
  const axisNames = names.map((name) => shorten(name, 26));
  const widest = Math.max(...axisNames.map((name) => roughWidth(name, fontSize)));
  const axis = {
    ...(all ? { values: names.map((_, i) => i) } : { tickCount: 20, tickMinStep: 1 }),
    title: null,
    grid: false,
    domain: false,
    labelExpr: "names[datum.value]",
    labelFontSize: fontSize,
  };
  const flat = all && widest < side / n - 4;
  return cellView(cells, side, {
    params: [
      { name: "names", value: axisNames },
      { name: "fullNames", value: names },
    ],
    transform: cellsOf(n, (row, shift) => `datum.${row} ${shift === 0 ? "- 0.5" : "+ 0.5"}`, "fullNames"),
    domain: [-0.5, n - 0.5],
    xAxis: { ...axis, labelAngle: flat ? 0 : -90, labelOverlap: !all },
    yAxis: { ...axis, labelOverlap: !all },
    color: cellColor("datum.row === datum.column", side, low, high),
    plural: "",
  });
}

/** A cell for each block of pairs, with positions at the axes. */
function blockView({ cells, low, high }: Cells, names: string[], side: number, block: number): Part {
  const n = names.length;
  const size = Math.ceil(n / block);
  const ends = Array.from({ length: size }, (_, b) => [b * block, Math.min(n, (b + 1) * block) - 1]);
  const axis = {
    title: "speaker (position in this order)",
    grid: false,
    domain: false,
    tickCount: 8,
    labelExpr: "format(datum.value, ',d')",
  };
  return cellView(cells, side, {
    params: [{ name: "names", value: ends.map(([from, to]) => `${names[from]} … ${names[to]}`) }],
    transform: cellsOf(size, (row, shift) => `(datum.${row} + ${shift}) * ${block}`, "names"),
    domain: [0, n],
    xAxis: axis,
    yAxis: axis,
    color: cellColor("false", side, low, high),
    plural: "s",
  });
}

interface CellView {
  params: Part[];
  transform: Part[];
  domain: [number, number];
  xAxis: Part;
  yAxis: Part;
  color: Part;
  plural: string;
}

function cellView(
  cells: number[],
  side: number,
  { params, transform, domain, xAxis, yAxis, color, plural }: CellView,
): Part {
  const scale = { domain, nice: false, zero: false };
  return {
    params: [...params, zoom],
    width: side,
    height: side,
    data: { values: cells },
    transform,
    mark: { type: "rect", aria: false, clip: true },
    encoding: {
      x: numeric("left", scale, xAxis),
      x2: { field: "right" },
      y: numeric("top", { ...scale, reverse: true }, yAxis),
      y2: { field: "bottom" },
      color,
      tooltip: [
        { field: "first", title: `speaker${plural}` },
        { field: "second", title: `and speaker${plural}` },
        { field: "data", title: "similarity", format: ".3f" },
      ],
    },
  };
}

/** Row and column of each number of a flat list, the corners of its cell, and the names of both. */
function cellsOf(size: number, edge: (cell: string, shift: number) => string, names: string): Part[] {
  return [
    { window: [{ op: "row_number", as: "position" }] },
    { calculate: `floor((datum.position - 1) / ${size})`, as: "row" },
    { calculate: `(datum.position - 1) % ${size}`, as: "column" },
    { calculate: edge("column", 0), as: "left" },
    { calculate: edge("column", 1), as: "right" },
    { calculate: edge("row", 0), as: "top" },
    { calculate: edge("row", 1), as: "bottom" },
    { calculate: `${names}[datum.row]`, as: "first" },
    { calculate: `${names}[datum.column]`, as: "second" },
  ];
}

function cellColor(isDiagonal: string, side: number, low: number, high: number): Part {
  const reach = tidy(Math.max(Math.abs(low), Math.abs(high)) || 1, 3);
  const scale =
    high < low
      ? { domain: [0, 1], scheme: "viridis" }
      : low <= -0.005
        ? { domain: [-reach, reach], domainMid: 0, scheme: "redblue", reverse: true }
        : { domain: lightAndDark(low, high), scheme: "viridis" };
  return {
    condition: { test: `${isDiagonal} || datum.data === ${MISSING}`, value: colors.missing },
    field: "data",
    type: "quantitative",
    scale: { ...scale, clamp: true },
    legend: {
      title: ["cosine", "similarity"],
      gradientLength: Math.min(200, side),
      format: ".2~f",
      tickCount: 5,
    },
  };
}

/** Where all pairs are about as alike, the scale says how alike that is: few speakers who differ must not look the same. */
const lightAndDark = (low: number, high: number): [number, number] =>
  high - low < 0.05 ? [0, Math.max(0.5, tidy(high, 3))] : [tidy(low, 3), tidy(high, 3)];

function checkSizes(
  keys: readonly string[],
  { rows, columns, data }: Matrix,
  labels: readonly string[],
  order: ArrayLike<number> | undefined,
): void {
  const n = keys.length;
  if (rows !== n || columns !== n)
    throw invalid(`A heat map of ${n} keys needs a matrix of ${n} x ${n}, not ${rows} x ${columns}.`);
  if (data.length !== n * n)
    throw invalid(`The matrix of the heat map holds ${data.length} values instead of ${n} x ${n}.`);
  if (labels.length !== n) throw invalid(`The heat map has ${n} rows but ${labels.length} labels.`);
  const wrong = order && Array.from(order).find((row) => !(Number.isInteger(row) && row >= 0 && row < n));
  if (wrong !== undefined)
    throw invalid(`The order of the heat map names row ${wrong}; rows run from 0 to ${n - 1}.`);
}
