import { existsSync, readdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { Font } from "opentype.js";
import { compare } from "../util/compare.js";
import { packageRoot } from "../util/package-root.js";

/** The font family of every chart, with fallbacks for browsers that lack it. */
export const fontFamily = "Inter, 'Helvetica Neue', Arial, sans-serif";

/** Bundled, so that pictures have the same bytes on every machine. */
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
    // Characters of other fonts (Chinese, Japanese, Korean, emoji) are one em wide.
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

/**
 * The system's upright fonts of normal weight: Chinese, Japanese and Korean ones first, then emoji. resvg could find system
 * fonts itself, but takes the first face with the character, which is often a bold one.
 */
export function systemFontFiles(): string[] {
  const folders = [
    "/usr/share/fonts",
    "/usr/local/share/fonts",
    join(homedir(), ".fonts"),
    join(homedir(), ".local/share/fonts"),
    "/System/Library/Fonts",
    "/Library/Fonts",
    join(homedir(), "Library/Fonts"),
    "C:\\Windows\\Fonts",
  ];
  const rank = (path: string) =>
    /cjk|sans.?[sthk][ckr]\b|wqy|droidsansfallback|pingfang|msyh|simsun|hiragino|yahei|gothic/i.test(path)
      ? 0
      : /emoji/i.test(path)
        ? 1
        : 2;
  return folders
    .filter(existsSync)
    .flatMap((folder) => readdirSync(folder, { recursive: true }).map((path) => join(folder, String(path))))
    .filter((path) => /\.(ttf|otf|ttc)$/i.test(path) && !OTHER_STYLES.test(path))
    .sort((a, b) => rank(a) - rank(b) || compare(a, b));
}

const OTHER_STYLES = /bold|italic|oblique|condensed|light|black|thin|medium|heavy|mono|serif/i;

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
