import type { TopLevelSpec } from "vega-lite";
import { unsupported } from "../errors.js";
import { fontFiles, isCovered, systemFontFiles, textWidth } from "./fonts.js";

/** A Vega-Lite 5 specification: plain JSON. */
export interface VegaLiteSpec {
  $schema: string;
  description: string;
  [property: string]: unknown;
}

/** Compiles a Vega-Lite specification to Vega, with the compiler's warnings. */
export function compileSpec(spec: VegaLiteSpec): { vega: import("vega").Spec; warnings: string[] } {
  const vegaLite = require("vega-lite") as typeof import("vega-lite");
  const warnings: string[] = [];
  const logger = silentLogger((message) => warnings.push(message));
  const { spec: vega } = vegaLite.compile(spec as unknown as TopLevelSpec, { logger });
  return { vega, warnings };
}

/**
 * Draws a Vega-Lite or Vega specification as SVG, without a browser or the network.
 *
 * @throws `unsupported` for one that loads its data or pictures from elsewhere
 */
export async function renderSvg(spec: VegaLiteSpec, onWarning?: (message: string) => void): Promise<string> {
  const vega = loadVega();
  const compiled = isVega(spec) ? (spec as unknown as import("vega").Spec) : compileSpec(spec).vega;
  const refused: string[] = [];
  const view = new vega.View(vega.parse(compiled), {
    renderer: "none",
    loader: offlineLoader(refused),
    logger: silentLogger(onWarning),
  });
  try {
    const svg = await view.toSVG();
    // Vega goes on without what it could not load, and would draw an empty chart.
    if (refused.length > 0)
      throw unsupported(
        `The chart takes data from ${refused[0]}, but charts are drawn without loading anything. Read it in the cell and give the rows as data: { values: rows }.`,
        { got: refused[0] },
      );
    return svg;
  } finally {
    view.finalize();
  }
}

/** Renders SVG as PNG. System fonts are read only when the bundled ones lack a character of the text. */
export function rasterize(svg: string, scale: number): Buffer {
  const { Resvg } = require("@resvg/resvg-js") as typeof import("@resvg/resvg-js");
  // On joined emoji resvg reports a fault of the font and stops looking for other characters, so joiners are removed.
  const image = new Resvg(svg.replace(/(?<=\p{Extended_Pictographic}\ufe0f?)[\u200d\ufe0f]/gu, ""), {
    background: "white",
    fitTo: { mode: "zoom", value: scale },
    font: {
      fontFiles: isCovered(svg) ? fontFiles : [...fontFiles, ...systemFontFiles()],
      loadSystemFonts: false,
      defaultFontFamily: "Inter",
      sansSerifFamily: "Inter",
    },
    logLevel: "off",
  });
  return image.render().asPng();
}

/**
 * Loads Vega and makes it measure text by the bundled font. By default it assumes 0.8 em per character, or measures the
 * machine's fonts where the optional canvas package is installed, so layouts would differ between machines. The hook is
 * global and drawing asynchronous, so it is set once and stays.
 */
function loadVega(): typeof import("vega") {
  const vega = require("vega") as typeof import("vega") & { textMetrics: TextMetrics };
  vega.textMetrics.width = (item, text) =>
    textWidth(text == null ? "" : String(text), item.fontSize ?? 11, Number(item.fontWeight) >= 600);
  return vega;
}

interface TextMetrics {
  width: (item: { fontSize?: number; fontWeight?: number | string }, text: unknown) => number;
}

const isVega = ({ $schema }: VegaLiteSpec) => /\/schema\/vega\//.test($schema);

/** Loads nothing, and lists what a chart would have drawn if it had been loaded. */
function offlineLoader(refused: string[]) {
  const refuse = async (uri: string): Promise<never> => {
    refused.push(uri);
    throw new Error(`charts load nothing: ${uri}`);
  };
  return {
    load: refuse,
    http: refuse,
    file: refuse,
    sanitize: async (uri: string, options: unknown): Promise<never> => {
      // A link to click on is not part of the picture.
      if ((options as { context?: string } | undefined)?.context !== "href") refused.push(uri);
      throw new Error(`charts load nothing: ${uri}`);
    },
  };
}

function silentLogger(onWarning: (message: string) => void = () => {}) {
  const warn = (...parts: readonly unknown[]) => {
    onWarning(parts.join(" "));
    return logger;
  };
  const quiet = () => logger;
  const level = ((_?: number) => (_ === undefined ? 0 : logger)) as never;
  const logger = { level, error: warn, warn, info: quiet, debug: quiet };
  return logger;
}
