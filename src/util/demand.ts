import { invalid } from "../errors.js";

/** @throws `invalid` for what is no whole number, or less than `least` */
export function demandWhole(name: string, value: number, least: number): void {
  if (!Number.isInteger(value) || value < least)
    throw invalid(`${name} is ${value}. It has to be a whole number, ${least} or more.`, { got: value });
}

/** @throws `invalid` for a threshold that no cosine can have */
export function demandCosine(threshold: number): void {
  if (!(threshold >= -1 && threshold <= 1))
    throw invalid(`The threshold is ${threshold}. It has to be a cosine between -1 and 1.`, {
      got: threshold,
    });
}
