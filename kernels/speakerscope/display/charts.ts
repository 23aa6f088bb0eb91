import { inspect } from "node:util";
import type { MimeBundle } from "../replies.js";

/** The part of the toolkit that draws. */
interface Toolkit {
  vegaChart(spec: object): { toPng(): Promise<Uint8Array> };
}

/** A plain Vega or Vega-Lite specification says by its schema what it is. */
export function chartType(value: object): string | null {
  const { $schema } = value as { $schema?: unknown };
  const found = typeof $schema === "string" ? /\/schema\/(vega|vega-lite)\/v(\d+)/.exec($schema) : null;
  return found && `application/vnd.${found[1].replace("-", "")}.v${found[2]}+json`;
}

/** The specification, and the picture for readers that draw none: nbconvert, GitHub. */
export async function chartBundle(spec: object, type: string): Promise<MimeBundle> {
  const text = inspect(spec, { depth: 1, maxArrayLength: 3 });
  try {
    // By the package's name and only now: the kernel shows charts without the toolkit, too.
    const { vegaChart } = require("speakerscope") as Toolkit;
    return { "text/plain": text, "image/png": await vegaChart(spec).toPng(), [type]: spec };
  } catch (error) {
    return { "text/plain": `${text}\nNo picture of the chart: ${(error as Error).message}`, [type]: spec };
  }
}

/**
 * Metadata for the front end: a chart's picture has two pixels for each of the chart, so that it is sharp, and would be
 * shown at twice its size.
 */
export function chartSize(data: MimeBundle): MimeBundle {
  const png = data["image/png"];
  const isChart = Object.keys(data).some((type) => /^application\/vnd\.vega/.test(type));
  if (!isChart || typeof png !== "string") return {};
  // Width and height of the header chunk, at a fixed place.
  const head = Buffer.from(png.slice(0, 32), "base64");
  if (head.length < 24) return {};
  const [width, height] = [16, 20].map((at) => Math.round(head.readUInt32BE(at) / 2));
  return { "image/png": { width, height } };
}
