import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Font } from "opentype.js";
import { packageRoot } from "../util/package-root.js";

/** The family that every chart asks for first; in a browser without it the next one is taken. */
export const fontFamily = "Inter, 'Helvetica Neue', Arial, sans-serif";

/** They come with the project, so that a picture has the same bytes on every machine. */
export const fontFiles = ["Inter-Regular.ttf", "Inter-SemiBold.ttf"].map((name) =>
  join(packageRoot, "data", "fonts", name),
);

const loaded: Font[] = [];

/** The width of a line of text in pixels, by the advance widths of the bundled font. */
export function textWidth(text: string, fontSize: number, bold = false): number {
  const font = fonts()[bold ? 1 : 0];
  let units = 0;
  for (const character of text) {
    const glyph = font.charToGlyph(character);
    // A character of another font: Chinese, Japanese and Korean ones, and emoji, are one em wide.
    units += glyph.index === 0 ? font.unitsPerEm : (glyph.advanceWidth ?? 0);
  }
  return (units / font.unitsPerEm) * fontSize;
}

/** Whether the bundled fonts have every character of the text. */
export function isCovered(text: string): boolean {
  const [font] = fonts();
  for (const character of new Set(text)) {
    if (character.codePointAt(0)! > 0x7e && font.charToGlyphIndex(character) === 0) return false;
  }
  return true;
}

function fonts(): Font[] {
  if (loaded.length === 0) {
    const { parse } = require("opentype.js") as typeof import("opentype.js");
    for (const path of fontFiles) {
      const { buffer, byteOffset, byteLength } = readFileSync(path);
      loaded.push(parse(buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer));
    }
  }
  return loaded;
}
