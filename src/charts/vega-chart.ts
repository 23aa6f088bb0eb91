import { invalid, shown } from "../errors.js";
import { type Chart, drawn } from "./chart.js";

/** A Vega-Lite or Vega specification of one's own: plain JSON that names its schema. */
export interface ChartSpec {
  $schema: string;
  [property: string]: unknown;
}

/**
 * A Vega-Lite or Vega specification of your own as a chart: to save it as SVG or PNG. In a notebook the bare specification
 * shows itself, with its picture, as a cell's last expression.
 *
 * @param spec with its rows inside (`data: { values: rows }`); nothing is loaded
 * @throws `invalid` for an object whose `$schema` is none of Vega's
 *
 * @example
 * const png = await vegaChart({
 *   $schema: "https://vega.github.io/schema/vega-lite/v5.json",
 *   data: { values: [{ x: 1, y: 2 }] },
 *   mark: "point",
 *   encoding: { x: { field: "x", type: "quantitative" }, y: { field: "y", type: "quantitative" } },
 * }).toPng();
 */
export function vegaChart(spec: ChartSpec): Chart {
  const found = /\/schema\/(vega|vega-lite)\/v(\d+)/.exec(String(spec.$schema));
  if (found === null)
    throw invalid(
      `${shown(spec.$schema)} is not the schema of a chart. Give $schema: "https://vega.github.io/schema/vega-lite/v5.json".`,
      { got: spec.$schema },
    );
  const [, language, version] = found;
  const { title, description = typeof title === "string" ? title : "A chart." } = spec;
  return drawn(
    { ...spec, description: String(description) },
    `application/vnd.${language.replace("-", "")}.v${version}+json`,
  );
}
