import { invalid, shown } from "../errors.js";

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

/** How the embeddings of utterances come into a cell. */
const howToReadUtterances =
  'const utterances = await readEmbeddings("final_embeddings", { level: "utterance" })';

/**
 * @param what is needed and by whom: `audit takes the list of utterances`
 * @param how code that gets one
 * @throws `invalid` for what is no array
 */
export function demandList(value: unknown, what: string, how = howToReadUtterances): void {
  if (!Array.isArray(value)) throw invalid(`${what}, not ${described(value)}: ${how}.`, { got: value });
}

/** What a value is, for an error about one of another kind. */
export function described(value: unknown): string {
  if (value instanceof Promise) return "a promise (await it)";
  if (typeof value !== "object" || value === null) return shown(value);
  const names = Object.keys(value).slice(0, 8);
  return names.length === 0 ? "an object" : `an object of ${names.join(", ")}`;
}
