import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { conflict } from "../errors.js";
import { readJsonObject } from "../format/read-json.js";
import { statsOf } from "../util/stats-of.js";
import { differencesOf, type ExtractionIdentity } from "./extraction.js";

/** In a folder of merged files: the model, its front end and what else its embeddings depend on. */
export const provenanceFile = "provenance.json";

/** What may differ between embeddings that are still of one model: their scores can be compared, with some doubt. */
const settings = ["version", "precision", "channel", "vad", "bucket"];

const beside = (a: string, b: string) =>
  [a, b].map((value) => (value === "undefined" ? "none" : value)).join(" and ");

/** Embeddings, and how they were made; undefined where nobody says. */
export interface Made {
  /** As an error names them: their folder, or the model. */
  what: string;
  by: ExtractionIdentity | undefined;
}

/** How the embeddings in a merged folder, or in one of its pickles, were made; unknown of other files and older folders. */
export function readProvenance(path: string): Made {
  const isFolder = statsOf(path)?.isDirectory() ?? false;
  const isOurs = isFolder || /(speaker|utterance)_embeddings\.pkl$/.test(path);
  const file = join(isFolder ? path : dirname(path), provenanceFile);
  if (!isOurs || !existsSync(file)) return { what: path, by: undefined };
  const by = readJsonObject(file, "The provenance");
  return { what: path, by: Object.keys(by).length === 0 ? undefined : by };
}

/**
 * Checks that embeddings that are to be compared are of one model.
 *
 * @returns a warning where they were made with other settings; undefined where all is alike, or not known
 * @throws `conflict` for two models or front ends
 */
export function checkSameModel(first: Made, second: Made): string | undefined {
  if (first.by === undefined || second.by === undefined) return undefined;
  const [a, b] = [first.by, second.by].map((by) =>
    Object.fromEntries(Object.entries(by).filter(([name]) => !settings.includes(name))),
  ) as [ExtractionIdentity, ExtractionIdentity];
  // Variants of a model are files of their own.
  if (first.by.precision !== second.by.precision) {
    delete a.sha256;
    delete b.sha256;
  }
  const models = differencesOf(a, b, beside);
  if (models.length > 0)
    throw conflict(
      `${first.what} and ${second.what} hold embeddings of different models, which cannot be compared: ${models.join("; ")}. Extract both with one model.`,
      { path: second.what },
    );
  const pick = (by: ExtractionIdentity) =>
    Object.fromEntries(
      settings.filter((name) => name !== "version" && name in by).map((name) => [name, by[name]]),
    );
  const others = differencesOf(pick(first.by), pick(second.by), beside);
  return others.length === 0
    ? undefined
    : `${first.what} and ${second.what} were embedded with different settings, so their scores may be off: ${others.join("; ")}`;
}
