import { conflict, shown, unknown } from "../errors.js";
import { quantity } from "../shared/text.js";
import type { KeyedEmbedding, Trial } from "./trial.js";

/** Unknown names listed in the message; the error's `got` has all of them. */
const shownNames = 10;

/**
 * Finds the embeddings that trials refer to. A name is a key, a path, or the end of a path such as `speaker/utterance.wav`, with
 * or without extension, as long as only one embedding matches.
 *
 * @throws `unknown` for names without an embedding, `conflict` for two embeddings of one key
 */
export function findEmbeddings(
  trials: readonly Trial[],
  embeddings: readonly KeyedEmbedding[],
): { used: KeyedEmbedding[]; enroll: Uint32Array; test: Uint32Array } {
  const find = finder(embeddings);
  const names = namesIn(trials);
  const strangers = names.filter((name) => find(name) === undefined);
  if (strangers.length === 0) {
    const rowOf = new Map(names.map((name, row) => [name, row]));
    const rows = (side: "enroll" | "test") => Uint32Array.from(trials, (trial) => rowOf.get(trial[side])!);
    return { used: names.map((name) => find(name)!), enroll: rows("enroll"), test: rows("test") };
  }
  const rest = strangers.length > shownNames ? `, and ${strangers.length - shownNames} more` : "";
  const like = embeddings.length > 0 ? `An embedding's key looks like ${shown(embeddings[0].key)}.` : "";
  throw unknown(
    `${quantity(strangers.length, "name")} in the trials ${strangers.length === 1 ? "matches" : "match"} no embedding, or more than one: ${strangers.slice(0, shownNames).join(", ")}${rest}. ${like}`,
    { got: strangers },
  );
}

/** The names in trials that match none of the embeddings, or more than one. */
export function namesNotFound(trials: readonly Trial[], embeddings: readonly KeyedEmbedding[]): Set<string> {
  const find = finder(embeddings);
  return new Set(namesIn(trials).filter((name) => find(name) === undefined));
}

const namesIn = (trials: readonly Trial[]): string[] => [
  ...new Set([...trials.map(({ enroll }) => enroll), ...trials.map(({ test }) => test)]),
];

/** Finds the embedding of a name; undefined where there is none, or more than one. */
function finder(embeddings: readonly KeyedEmbedding[]): (name: string) => KeyedEmbedding | undefined {
  const byKey = new Map<string, KeyedEmbedding>();
  for (const row of embeddings) {
    if (byKey.has(row.key))
      throw conflict(`Two embeddings have the key ${row.key}. Trials need names that differ.`, {
        got: row.key,
      });
    byKey.set(row.key, row);
  }
  let byPath: Map<string, KeyedEmbedding | null> | undefined;
  return (name) => {
    const row = byKey.get(name);
    if (row !== undefined) return row;
    byPath ??= endsOfPaths(embeddings);
    return byPath.get(name) ?? undefined;
  };
}

/** Paths and their endings after a slash; null where several embeddings share one. */
function endsOfPaths(embeddings: readonly KeyedEmbedding[]): Map<string, KeyedEmbedding | null> {
  const ends = new Map<string, KeyedEmbedding | null>();
  const add = (name: string, row: KeyedEmbedding) => {
    const before = ends.get(name);
    ends.set(name, before === undefined || before === row ? row : null);
  };
  for (const row of embeddings) {
    if (row.path === undefined) continue;
    for (let end = row.path; ; end = end.slice(end.indexOf("/") + 1)) {
      add(end, row);
      add(end.replace(/\.[^./]*$/, ""), row);
      if (!end.includes("/")) break;
    }
  }
  return ends;
}
