import { printable } from "../shared/printable.js";

/** The width of a text in pixels without looking at a font: generous for Latin, one em for Chinese. */
export function roughWidth(text: string, fontSize: number): number {
  let ems = 0;
  for (const character of text) ems += isWide(character) ? 1 : 0.58;
  return ems * fontSize;
}

/**
 * A name of at most about `limit` characters (a Chinese one counts as two), cut in the middle: in
 * `dataset_speaker` both ends matter.
 */
export function shorten(text: unknown, limit: number): string {
  const characters = Array.from(printable(text));
  const widths = characters.map((c) => (isWide(c) ? 2 : 1));
  if (widths.reduce((sum, w) => sum + w, 0) <= limit) return characters.join("");
  let left = 0;
  let right = characters.length;
  let used = 1;
  while (left < right) {
    const fromLeft = left <= characters.length - right;
    const width = fromLeft ? widths[left] : widths[right - 1];
    if (used + width > limit) break;
    used += width;
    if (fromLeft) left++;
    else right--;
  }
  return `${characters.slice(0, left).join("")}…${characters.slice(right).join("")}`;
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

/** A whole number with commas between thousands, and its noun: `1 speaker`, `6,000 speakers`. */
export function quantity(n: number, noun: string): string {
  return `${whole(n)} ${noun}${n === 1 ? "" : "s"}`;
}

export function whole(n: number): string {
  return n.toLocaleString("en-US", { maximumFractionDigits: 0 });
}

/** A cosine with a real minus sign. */
export function cosine(value: number, digits = 2): string {
  const text = value.toFixed(digits);
  return Number(text) === 0 ? text.replace("-", "") : text.replace("-", "−");
}

function isWide(character: string): boolean {
  return (
    character.codePointAt(0)! >= 0x1100 &&
    /[\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}\p{Emoji_Presentation}\u3000-\u303f\uff00-\uff60]/u.test(
      character,
    )
  );
}
