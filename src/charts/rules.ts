import { colors, type Part, silent } from "./chart.js";
import { cosine, roughWidth } from "./text.js";

/** A vertical line at a value, and what to call it. */
export interface Rule {
  name: string;
  value: number;
  color: string;
  dash?: number[];
}

/** The height of a name above the plot. */
export const LINE = 15;

/** The usual marks of a distribution of similarities. */
export function usualRules({
  mean,
  median,
  threshold,
}: {
  mean?: number;
  median?: number;
  threshold?: number;
}): Rule[] {
  const rules: Rule[] = [];
  if (isNumber(mean)) rules.push({ name: "mean", value: mean, color: colors.mean });
  if (isNumber(median)) rules.push({ name: "median", value: median, color: colors.median, dash: [5, 3] });
  if (isNumber(threshold))
    rules.push({ name: "threshold", value: threshold, color: colors.threshold, dash: [2, 2] });
  return rules;
}

/**
 * Vertical lines with their names above the plot. Names never overlap: each goes to the left or right of its line, and
 * higher where there is no room.
 */
export function ruleLayers(
  rules: Rule[],
  { domain: [from, to], width }: { domain: [number, number]; width: number },
): Part[] {
  const taken: [number, number][][] = [];
  const placed = rules
    .filter(({ value }) => value >= from && value <= to)
    .sort((a, b) => a.value - b.value)
    .map((rule, k, all) => {
      const label = `${rule.name} ${cosine(rule.value, 3)}`;
      const x = ((rule.value - from) / (to - from)) * width;
      const length = roughWidth(label, 11) + 6;
      const sides = k === 0 && all.length > 1 ? ["right", "left"] : ["left", "right"];
      for (let row = 0; ; row++) {
        taken[row] ??= [];
        for (const align of sides) {
          const [start, end] = align === "left" ? [x, x + length] : [x - length, x];
          const fits =
            start >= -30 && end <= width + 10 && taken[row].every(([s, e]) => end <= s || start >= e);
          if (!fits && row < 9) continue;
          taken[row].push([start, end]);
          return { ...rule, label, align, row };
        }
      }
    });
  return placed.flatMap(({ label, value, color, dash, align, row }) => [
    {
      data: { values: [{ value }] },
      mark: { type: "rule", color, strokeWidth: 1.75, ...(dash ? { strokeDash: dash } : {}), ...silent },
      encoding: { x: { field: "value", type: "quantitative" } },
    },
    {
      data: { values: [{ value, label }] },
      mark: {
        type: "text",
        color,
        align,
        baseline: "bottom",
        dx: align === "left" ? 2 : -2,
        dy: -3 - row * LINE,
        ...silent,
      },
      encoding: { x: { field: "value", type: "quantitative" }, y: { value: 0 }, text: { field: "label" } },
    },
  ]);
}

function isNumber(value: number | undefined): value is number {
  return value !== undefined && Number.isFinite(value);
}
