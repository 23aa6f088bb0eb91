import stringWidth from "string-width";
import { printable } from "../shared/printable.js";

/** The approximate width of a text in pixels: a generous mean for Latin, one em for Chinese. */
export function roughWidth(text: string, fontSize: number): number {
  let ems = 0;
  for (const character of text) ems += stringWidth(character) > 1 ? 1 : 0.58;
  return ems * fontSize;
}

/** Lines of at most `width` pixels, broken between words. */
export function wrap(text: string, width: number, fontSize: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/\s/).map(printable)) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (line !== "" && roughWidth(longer, fontSize) > width) {
      lines.push(line);
      line = word;
    } else line = longer;
  }
  return [...lines, line];
}

/** A cosine with a real minus sign. */
export function cosine(value: number, digits = 2): string {
  const text = value.toFixed(digits);
  return Number(text) === 0 ? text.replace("-", "") : text.replace("-", "−");
}
