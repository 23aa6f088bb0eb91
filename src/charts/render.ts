import type { TopLevelSpec } from "vega-lite";
import { fontFiles, isCovered, systemFontFiles, textWidth } from "./fonts.js";

/** A Vega-Lite 5 specification: plain JSON. */
export interface VegaLiteSpec {
  $schema: string;
  description: string;
  [property: string]: unknown;
}

/** A Vega-Lite specification as Vega, and what the compiler had to say about it. */
export function compileSpec(spec: VegaLiteSpec): { vega: import("vega").Spec; warnings: string[] } {
  const vegaLite = require("vega-lite") as typeof import("vega-lite");
  const warnings: string[] = [];
  const logger = silentLogger((message) => warnings.push(message));
  const { spec: vega } = vegaLite.compile(spec as unknown as TopLevelSpec, { logger });
  return { vega, warnings };
}

/** The specification drawn as SVG, without a browser and without the network. */
export async function renderSvg(spec: VegaLiteSpec, onWarning?: (message: string) => void): Promise<string> {
  const vega = loadVega();
  const view = new vega.View(vega.parse(compileSpec(spec).vega), {
    renderer: "none",
    loader: offlineLoader,
    logger: silentLogger(onWarning),
  });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}

/** SVG as PNG. System fonts are read only where the bundled ones lack a character of the text. */
export function rasterize(svg: string, scale: number): Buffer {
  const { Resvg } = require("@resvg/resvg-js") as typeof import("@resvg/resvg-js");
  // resvg takes a family of emoji joined into one for a mistake of the font, and stops looking for other characters.
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
 * Vega with text measured by the bundled font. Left to itself it guesses 0.8 em a character, or, where the optional
 * canvas package happens to be installed, measures whatever font the machine has: other layouts on other machines.
 * Its hook for this is one object for the whole process and drawing is asynchronous, so it is set once and stays.
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

const refuse = async (uri: string): Promise<never> => {
  throw new Error(`charts load nothing: ${uri}`);
};
const offlineLoader = { load: refuse, sanitize: refuse, http: refuse, file: refuse };

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
