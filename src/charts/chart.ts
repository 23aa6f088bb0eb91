import { invalid } from "../errors.js";
import { printable } from "../shared/printable.js";
import { fontFamily } from "./fonts.js";
import { rasterize, renderSvg, type VegaLiteSpec } from "./render.js";
import { wrap } from "./text.js";

/** The method by which a value shows itself in a notebook. */
export const jupyterDisplay: unique symbol = Symbol.for("Jupyter.display");

/** A chart: a Vega-Lite specification that can show itself in a notebook, as SVG and as PNG. */
export interface Chart {
  readonly spec: VegaLiteSpec;
  /** What JupyterLab draws (interactive), what GitHub and PDF show (a picture), and what a screen reader says. */
  [jupyterDisplay](): Promise<ChartBundle>;
  toSvg(): Promise<string>;
  /** `scale`: pixels of the picture per pixel of the chart; default 2, which is sharp on every screen and in print. */
  toPng(options?: { scale?: number }): Promise<Buffer>;
  toJSON(): VegaLiteSpec;
}

export interface ChartBundle {
  /** Base64. */
  "image/png": string;
  "text/plain": string;
  /** The specification, under the MIME type of its language and version. */
  [mimeType: `application/vnd.${string}+json`]: VegaLiteSpec;
}

/** Part of a specification. */
export type Part = Record<string, unknown>;

interface Heading {
  title?: string;
  subtitle?: string | string[];
  /** Pixels after which the title wraps. */
  width: number;
  /** Alternative text: what the picture shows, with the numbers that matter. */
  description: string;
}

/** The heading of a chart that says the same below its title and to a screen reader. */
export const headed = (kind: string, title: string, facts: string, width: number): Heading => ({
  title,
  subtitle: facts,
  width,
  description: `${kind}. ${title}: ${facts}.`,
});

/** Makes a chart of a view (or several, concatenated) under one title. */
export function chart(view: Part, { title, subtitle, width, description }: Heading): Chart {
  const alt = printable(description);
  const spec: VegaLiteSpec = {
    $schema: "https://vega.github.io/schema/vega-lite/v5.json",
    description: alt,
    ...(title === undefined ? {} : { title: heading(title, subtitle, width) }),
    ...view,
    background: "white",
    padding: 14,
    config: theme,
  };
  return drawn(spec, "application/vnd.vegalite.v5+json");
}

/** A chart of a whole specification. */
export function drawn(spec: VegaLiteSpec, mimeType: `application/vnd.${string}+json`): Chart {
  const toSvg = () => renderSvg(spec);
  const toPng = async ({ scale = 2 } = {}) => {
    if (!(scale > 0)) throw invalid(`The scale of a chart must be a positive number, not ${scale}.`);
    return rasterize(await toSvg(), scale);
  };
  return {
    spec,
    toSvg,
    toPng,
    toJSON: () => spec,
    async [jupyterDisplay]() {
      return {
        [mimeType]: spec,
        "image/png": (await toPng()).toString("base64"),
        "text/plain": spec.description,
      } as ChartBundle;
    },
  };
}

/** A title and subtitle, wrapped to a width. */
export function heading(title: string, subtitle: string | string[] | undefined, width: number): Part {
  const below = subtitle === undefined ? [] : [subtitle].flat().filter((line) => line !== "");
  return {
    text: wrap(title, width, 16),
    ...(below.length === 0 ? {} : { subtitle: below.flatMap((line) => wrap(line, width, 12)) }),
  };
}

/**
 * The title of one of several panels, wrapped to the panel's `width`; `room` in pixels makes up for labels above a
 * neighbour's plot, so that both align.
 */
export function panelTitle(text: string, subtitle: string, width: number, room = 0): Part {
  const lines = (line: string, fontSize: number) => {
    // The width of a text is estimated generously, and there is space before the next panel.
    const wrapped = wrap(line, width, 0.85 * fontSize);
    return wrapped.length === 1 ? wrapped[0] : wrapped;
  };
  return { text: lines(text, 13), subtitle: lines(subtitle, 12), fontSize: 13, offset: 8 + room };
}

/** A channel of numbers. */
export const numeric = (field: string, scale: Part, axis: Part): Part => ({
  field,
  type: "quantitative",
  scale,
  axis,
});

/** A sentence in place of a plot that has no data. */
export function emptyView(text: string, { width, height }: { width: number; height: number }): Part {
  return {
    width,
    height,
    view: { stroke: "#e0e0e0", fill: "#fafafa", cornerRadius: 4 },
    data: { values: [{}] },
    mark: { type: "text", color: "#666", fontSize: 13, ...silent },
    encoding: {
      x: { value: width / 2 },
      y: { value: height / 2 },
      text: { value: wrap(text, width - 20, 13) },
    },
  };
}

/** A mark that only decorates: without a tooltip, and passed over by screen readers. */
export const silent: Part = { tooltip: null, aria: false };

/** Where x and y are equal, from one end of the axes to the other. */
export const diagonal = (x: Part, y: Part, ends: readonly number[]): Part => ({
  data: { values: ends.map((d) => ({ d })) },
  mark: { type: "line", color: "#9a9a9a", strokeDash: [3, 3], strokeWidth: 1, ...silent },
  encoding: { x: { ...x, field: "d" }, y: { ...y, field: "d" } },
});

/** Colours by meaning, distinguishable with any kind of colour vision (Okabe and Ito, 2008). */
export const colors = {
  main: "#7fabd3",
  line: "#2f6da8",
  second: "#ee7733",
  accent: "#d55e00",
  mean: "#0b3d66",
  median: "#009e73",
  threshold: "#d55e00",
  quiet: "#b8c4cf",
  missing: "#c9c9c9",
  text: "#262626",
};

/** Eight hues for groups (Okabe and Ito's, with black replaced and yellow darkened so that dots show on white). */
export const hues = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#6a51a3", "#7f7f7f"];

const theme: Part = {
  font: fontFamily,
  view: { stroke: null },
  title: {
    anchor: "start",
    frame: "group",
    align: "left",
    fontSize: 16,
    fontWeight: 600,
    color: colors.text,
    subtitleFontSize: 12,
    subtitleColor: "#5c5c5c",
    subtitlePadding: 5,
    lineHeight: 20,
    subtitleLineHeight: 16,
    offset: 14,
    limit: 0,
  },
  axis: {
    domainColor: "#9a9a9a",
    tickColor: "#9a9a9a",
    gridColor: "#ececec",
    labelColor: "#3d3d3d",
    titleColor: "#3d3d3d",
    labelFontSize: 11,
    titleFontSize: 12,
    titleFontWeight: 400,
    titlePadding: 8,
    labelPadding: 4,
    labelLimit: 0,
    titleLimit: 0,
  },
  legend: {
    labelColor: "#3d3d3d",
    titleColor: "#3d3d3d",
    labelFontSize: 11,
    titleFontSize: 12,
    titleFontWeight: 400,
    titlePadding: 6,
    labelLimit: 0,
    titleLimit: 0,
    gradientThickness: 12,
  },
  text: { fontSize: 11, color: colors.text },
  concat: { spacing: 28 },
};
