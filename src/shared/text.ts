import stringWidth from "string-width";
import { printable } from "./printable.js";

/**
 * A name of at most about `limit` columns (a Chinese character takes two), cut in the middle: in `dataset_speaker` both
 * ends matter.
 */
export function shorten(text: unknown, limit: number): string {
  const characters = Array.from(printable(text));
  const widths = characters.map(stringWidth);
  if (widths.reduce((sum, w) => sum + w, 0) <= limit) return characters.join("");
  let left = 0;
  let right = characters.length;
  let used = 1;
  while (left < right) {
    const fromLeft = left <= characters.length - right;
    const width = fromLeft ? widths[left]! : widths[right - 1]!;
    if (used + width > limit) break;
    used += width;
    if (fromLeft) left++;
    else right--;
  }
  return `${characters.slice(0, left).join("")}…${characters.slice(right).join("")}`;
}

/** A whole number with commas between thousands, and its noun: `1 speaker`, `6,000 speakers`. */
export const quantity = (n: number, noun: string): string => `${whole(n)} ${noun}${n === 1 ? "" : "s"}`;

/** The same with the verb that goes with it: `1 speaker is`, `6,000 speakers are`. */
export const quantityIs = (n: number, noun: string, one = "is", several = "are"): string =>
  `${quantity(n, noun)} ${n === 1 ? one : several}`;

/** `There is 1 speaker`, `There are 6,000 speakers`. */
export const thereAre = (n: number, noun: string): string =>
  `There ${n === 1 ? "is" : "are"} ${quantity(n, noun)}`;

/** Not `toLocaleString`: the first use of a locale costs every process 13 ms. */
export const whole = (n: number): string => String(Math.round(n)).replace(/\B(?=(\d{3})+$)/g, ",");

/** Seconds as people say them: `12 s`, `14 min`, `3.1 h`. */
export function duration(total: number): string {
  if (total < 120) return `${Number(total.toPrecision(2))} s`;
  return total < 7200
    ? `${whole(total / 60)} min`
    : `${total < 36000 ? (total / 3600).toFixed(1) : whole(total / 3600)} h`;
}

/** A probability as a whole percentage; it is never called certain: `69 %`, `> 99 %`. */
export const percent = (probability: number): string =>
  probability >= 0.995 ? "> 99 %" : `${Math.round(100 * probability)} %`;

/** A threshold as people read it, of at most four digits behind the point: a measured one has more. */
export const thresholdText = (threshold: number): string => String(Number(threshold.toFixed(4)));
