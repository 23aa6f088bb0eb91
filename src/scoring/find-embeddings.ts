import { conflict, shown, unknown } from "../errors.js";
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
  const byKey = new Map<string, KeyedEmbedding>();
  for (const row of embeddings) {
    if (byKey.has(row.key))
      throw conflict(`Two embeddings have the key ${row.key}. Trials need names that differ.`, {
        got: row.key,
      });
    byKey.set(row.key, row);
  }
  let byPath: Map<string, KeyedEmbedding | null> | undefined;
  const used: KeyedEmbedding[] = [];
  const rowOf = new Map<string, number>();
  const strangers = new Set<string>();
  const find = (name: string): number => {
    const known = rowOf.get(name);
    if (known !== undefined) return known;
    let row: KeyedEmbedding | null | undefined = byKey.get(name);
    if (row === undefined) {
      byPath ??= endsOfPaths(embeddings);
      row = byPath.get(name);
    }
    if (!row) {
      strangers.add(name);
      return 0;
    }
    rowOf.set(name, used.length);
    return used.push(row) - 1;
  };
  const enroll = Uint32Array.from(trials, (trial) => find(trial.enroll));
  const test = Uint32Array.from(trials, (trial) => find(trial.test));
  if (strangers.size === 0) return { used, enroll, test };
  const names = [...strangers];
  const rest = names.length > shownNames ? `, and ${names.length - shownNames} more` : "";
  const like = embeddings.length > 0 ? `An embedding's key looks like ${shown(embeddings[0].key)}.` : "";
  throw unknown(
    `${names.length} names in the trials match no embedding, or more than one: ${names.slice(0, shownNames).join(", ")}${rest}. ${like}`,
    { got: names },
  );
}

/** The names in trials that match none of the embeddings, or more than one. */
export function namesNotFound(trials: readonly Trial[], embeddings: readonly KeyedEmbedding[]): Set<string> {
  try {
    findEmbeddings(trials, embeddings);
    return new Set();
  } catch (error) {
    const { tag, got } = error as { tag?: string; got?: unknown };
    if (tag === "unknown" && Array.isArray(got)) return new Set(got as string[]);
    throw error;
  }
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
