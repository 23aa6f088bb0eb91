import { shorten, whole } from "../shared/text.js";
import { compare } from "../util/compare.js";
import { countBy } from "../util/count-by.js";
import { hues, type Part } from "./chart.js";

/** Colours of groups: the largest groups have one each, the rest share grey. */
export interface Groups {
  /** What a group is called in the chart. */
  nameOf: (group: string) => string;
  domain: string[];
  range: string[];
  /** How many groups share the last name. */
  others: number;
}

/** Groups by size, then by name. */
export function groupsOf(values: Iterable<string>, most: number): Groups {
  const sizes = countBy(values, (value) => value);
  const sorted = [...sizes].sort((a, b) => b[1] - a[1] || compare(a[0], b[0])).map(([group]) => group);
  const shown = sorted.length <= most ? sorted : sorted.slice(0, most);
  const others = sorted.length - shown.length;
  const names = new Map(shown.map((group) => [group, shorten(group, 40)]));
  const rest = `${whole(others)} others`;
  return {
    nameOf: (group) => names.get(group) ?? rest,
    domain: [...names.values(), ...(others > 0 ? [rest] : [])],
    range: [...shown.map((_, k) => hues[k % hues.length]), ...(others > 0 ? [GREY] : [])],
    others,
  };
}

export const GREY = "#c3c3c3";

/** The colour channel of the field `dataset`, which holds `nameOf(group)`; a single group has no legend. */
export function groupColor({ domain, range }: Groups, legend: Part | null = null): Part {
  return {
    field: "dataset",
    type: "nominal",
    scale: { domain, range },
    legend: domain.length > 1 ? legend : null,
  };
}
