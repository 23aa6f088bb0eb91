import { conflict, shown, unknown } from "../errors.js";
import type { AudioSource } from "../types.js";
import { demandList } from "../util/demand.js";
import { groupBy } from "../util/group-by.js";
import { audioOf, type Change } from "./change.js";
import { checkedDecisions } from "./check-decision.js";
import { auditor, type Decision, inWords, isOfNames } from "./decision.js";
import { type Dispute, mergeDecisions } from "./merge-decisions.js";
import { mergedNames } from "./merged-names.js";
import { type Named, nameOf } from "./names.js";

/** What decisions are applied to: a corpus, or embeddings as `{ utterances }`. */
export interface Decidable<Row extends Named> {
  utterances: readonly Row[];
  /** What was changed before: decisions that did it are done. */
  changes?: readonly Change[];
}

export interface Applied<Row extends Named, Whole extends Decidable<Row>> {
  /** The same without what was dropped, under the names that hold. Keys stay as they were. */
  corpus: Omit<Whole, "utterances" | "changes"> & { utterances: Row[]; changes: Change[] };
  /** What was changed now. */
  changes: Change[];
  summary: {
    utterances: number;
    dropped: number;
    relabelled: number;
    /** Names that are gone, because others have their recordings now. */
    namesGone: number;
    /** Decisions that someone is not sure about, which change nothing. */
    unsure: number;
  };
  info: {
    disagreements: Dispute[];
    /** Names of one person in two data sets, which must lie on one side of a split. */
    oneSide: string[][];
    /** Names that nobody had before. */
    newNames: string[];
    /** Keys that the corpus does not have, with `allowUnknown`. */
    unknown: string[];
  };
}

export interface ApplyOptions {
  /** Go on where decisions are about what the corpus does not have, such as other data sets. */
  allowUnknown?: boolean;
}

/**
 * Does what was decided: recordings are left out, put under their right speaker, names of one person become one, and a name of
 * several people becomes several. Applied again, the same decisions change nothing.
 *
 * `keep`, `unsure` and what people disagree about change nothing; nor does `keepOnOneSide`, which `info.oneSide` lists. A person
 * outranks the audit. The new names of a name that is split are `name~2`, `name~3`, ...
 *
 * @param corpus what `scan` or `readManifest` gives, or embeddings; its array and rows are not changed
 * @param decisions of one person or several, with the audit's proposals or without; `readDecisions` reads them
 * @throws `invalid` for what is no list of decisions; `unknown` for keys that the corpus does not have; `conflict` for decisions that contradict each other, naming both:
 *   a recording dropped and relabelled, names merged in a circle, names merged that are two people, a name split into recordings of
 *   another
 * @example
 * // From files: const { decisions } = readDecisions(["audit/decisions.jsonl", "anna.jsonl"]);
 * const drop = { kind: "utterance" as const, keys: [utterances[0].key], action: "drop" as const, by: "anna", at: "2026-01-31T09:30:00Z" };
 * const { corpus: rest, changes } = applyDecisions({ utterances }, [drop]);
 */
export function applyDecisions<Row extends Named & Partial<AudioSource>, Whole extends Decidable<Row>>(
  corpus: Whole & Decidable<Row>,
  decisions: readonly Decision[],
  { allowUnknown = false }: ApplyOptions = {},
): Applied<Row, Whole> {
  demandList(
    (corpus as Partial<typeof corpus> | undefined)?.utterances,
    "applyDecisions takes a corpus, or { utterances } with the list of utterances",
    'const corpus = await scan("corpus")',
  );
  const { decisions: held, disagreements } = mergeDecisions(checkedDecisions(decisions, "applyDecisions"));
  const found = register(corpus, held, allowUnknown);
  const effects = effectsOf(held, found);
  const merges = held.filter((decision) => isMerge(decision, found));
  const names = mergedNames(merges, (name) => found.rows(name).length);
  const mergeOf = new Map(merges.flatMap((merge) => merge.keys.map((key) => [key, merge])));
  checkApart(held, names);
  const parts = splitsOf(held, found);
  for (const [row, { decision }] of parts) {
    const [name] = decision.keys;
    const was = nameOf(corpus.utterances[row]!);
    const isOfIt = [was, effects.get(row)?.speaker, was && names(was)].includes(name);
    // What was split before is under other names now.
    if (!isOfIt && !corpus.changes?.length)
      throw conflict(
        `${shown(found.keyOf(row))} is of ${shown(was)}, not of ${shown(name)}, which is split (${inWords(decision)}). Take it out of the parts.`,
        { got: decision },
      );
  }
  const changes: Change[] = [];
  const utterances: Row[] = [];
  for (const [i, row] of corpus.utterances.entries()) {
    const effect = effects.get(i);
    const was = nameOf(row);
    const change = (to: string | null, { kind, by }: Decision): Change => ({
      key: found.keyOf(i),
      from: was,
      to,
      change: to === null ? "drop" : "relabel",
      kind,
      by,
      audio: audioOf(row),
    });
    if (effect?.speaker === null) {
      changes.push(change(null, effect.decision));
      continue;
    }
    const split = parts.get(i);
    // What was relabelled to the name that is split goes with its part.
    const part = effect === undefined || effect.speaker === split?.decision.keys[0] ? split : undefined;
    const told = part?.name ?? effect?.speaker ?? was;
    const now = told === null ? null : names(told);
    const reason = part?.decision ?? effect?.decision ?? mergeOf.get(was ?? "");
    const isSame = now === null || now === was || reason === undefined;
    const speakerId = isSame ? row.speakerId : speakerIdIn(row.dataset, now, found, names);
    if (isSame || speakerId === row.speakerId) {
      utterances.push(row);
      continue;
    }
    const named = { ...row, speakerId };
    if ("speakerKey" in row) Object.assign(named, { speakerKey: nameOf(named) });
    utterances.push(named);
    changes.push(change(nameOf(named), reason));
  }
  const namesNow = new Set(utterances.map(nameOf));
  const namesBefore = new Set(corpus.utterances.map(nameOf));
  const { utterances: _rows, changes: before = [], ...rest } = corpus;
  return {
    corpus: { ...rest, utterances, changes: [...before, ...changes] } as Applied<Row, Whole>["corpus"],
    changes,
    summary: {
      utterances: utterances.length,
      dropped: changes.filter(({ change }) => change === "drop").length,
      relabelled: changes.filter(({ change }) => change === "relabel").length,
      namesGone: [...namesBefore].filter((name) => !namesNow.has(name)).length,
      unsure: held.filter(({ action }) => action === "unsure").length,
    },
    info: {
      disagreements,
      oneSide: held.filter((decision) => isOneSide(decision, found)).map(({ keys }) => keys),
      newNames: [...namesNow].flatMap((name) => (name === null || namesBefore.has(name) ? [] : [name])),
      unknown: found.unknown,
    },
  };
}

/**
 * How a speaker is called in a data set: by the same id as in another, unless somebody else has that there.
 */
function speakerIdIn(
  dataset: string,
  name: string,
  found: Register,
  names: (name: string) => string,
): string {
  const speakerId = found.first(name)?.speakerId;
  // A new name.
  if (speakerId === undefined || speakerId === null)
    return dataset !== "" && name.startsWith(`${dataset}_`) ? name.slice(dataset.length + 1) : name;
  const own = nameOf({ dataset, speakerId })!;
  return found.first(own) === undefined || names(own) === name ? speakerId : name;
}

/** The recordings and names of a corpus, as decisions call them. */
interface Register {
  /** The row of an utterance; undefined where it is gone. */
  row(key: string): number | undefined;
  /** The rows under a name. */
  rows(name: string): readonly number[];
  /** The first of them; undefined for a name that the corpus does not have. */
  first(name: string): Named | undefined;
  /** The key under which decisions have a row. */
  keyOf(row: number): string;
  datasetOf(row: number): string;
  /** Keys that it never had. */
  unknown: string[];
}

/** @throws `unknown` for keys that the corpus does not have and never had */
function register<Row extends Named & Partial<AudioSource>>(
  { utterances, changes = [] }: Decidable<Row>,
  held: readonly Decision[],
  allowUnknown: boolean,
): Register {
  const rowOf = new Map<string, number>();
  const rowsOf = groupBy(utterances.keys(), (i) => nameOf(utterances[i]!));
  const byAudio = new Map<string, number>();
  utterances.forEach((row, i) => {
    const { dataset, speakerId, utteranceId } = row as Row & { utteranceId?: string };
    // As other tools' embeddings are keyed.
    if (utteranceId !== undefined) rowOf.set([dataset, speakerId, utteranceId].filter(Boolean).join("/"), i);
    const audio = audioOf(row);
    if (audio !== undefined) byAudio.set(audio, i);
  });
  for (const [i, { key }] of utterances.entries()) rowOf.set(key, i);
  const keyOfRow = new Map<number, string>();
  const gone = new Set<string>();
  const goneNames = new Set<string>();
  for (const { key, audio, from } of changes) {
    if (from !== null) goneNames.add(from);
    const same = rowOf.get(key);
    if (same !== undefined && (audio === undefined || audioOf(utterances[same]!) === audio)) continue;
    // In a corrected manifest another recording may have the key now.
    rowOf.delete(key);
    const row = audio === undefined ? undefined : byAudio.get(audio);
    if (row === undefined) gone.add(key);
    else {
      rowOf.set(key, row);
      keyOfRow.set(row, key);
    }
  }
  const isKnown = (key: string) => rowOf.has(key) || gone.has(key) || rowsOf.has(key) || goneNames.has(key);
  const strangers = held.flatMap((decision) =>
    [...decision.keys, ...(decision.parts ?? []).flat()]
      .filter((key) => !isKnown(key))
      .map((key) => ({ key, decision })),
  );
  const unknownKeys = [...new Set(strangers.map(({ key }) => key))];
  if (strangers.length > 0 && !allowUnknown) {
    const [{ key, decision }] = strangers;
    const more = unknownKeys.length > 1 ? `, nor ${unknownKeys.length - 1} more` : "";
    throw unknown(
      `The corpus has no ${shown(key)}${more} (${inWords(decision)}). Were the decisions made for another corpus? ` +
        "Take these lines out, or give --allow_unknown (allowUnknown) to go on without them.",
      { got: unknownKeys },
    );
  }
  return {
    row: (key) => rowOf.get(key),
    rows: (name) => rowsOf.get(name) ?? [],
    first: (name) => utterances[rowsOf.get(name)?.[0] ?? -1],
    keyOf: (row) => keyOfRow.get(row) ?? utterances[row]!.key,
    datasetOf: (row) => utterances[row]!.dataset,
    unknown: unknownKeys,
  };
}

interface Effect {
  /** Null: left out; undefined: stays as it is; else the name of the speaker. */
  speaker: string | null | undefined;
  decision: Decision;
}

/** What becomes of single recordings. */
function effectsOf(held: readonly Decision[], found: Register): Map<number, Effect> {
  const effects = new Map<number, Effect>();
  const copiesKept: Decision[] = [];
  const put = (row: number | undefined, effect: Effect) => {
    if (row === undefined) return;
    const other = effects.get(row);
    if (other !== undefined) {
      const [own, theirs] = [rankOf(effect.decision), rankOf(other.decision)];
      if (own < theirs || other.speaker === effect.speaker) return;
      // A copy that is left out may well have a wrong label: whoever says both does not contradict himself.
      const isCopy = [effect, other].some(isCopyLeftOut) && ![effect, other].some(isKept);
      if (own === theirs && !isAuditors(effect.decision) && !isCopy)
        throw conflict(
          `${shown(found.keyOf(row))} cannot be both: ${inWords(other.decision)}; ${inWords(effect.decision)}. Take one of them out.`,
          { got: [other.decision, effect.decision] },
        );
      // Of the two, that to leave it out: what should not be there has no right name.
      if (own === theirs && other.speaker === null) return;
    }
    effects.set(row, effect);
  };
  for (const decision of held) {
    const { kind, keys, action, to } = decision;
    const rows = keys.flatMap((key) => (isOfNames(kind) ? found.rows(key) : (found.row(key) ?? [])));
    if (action === "drop") for (const row of rows) put(row, { speaker: null, decision });
    if (action === "relabel")
      for (const row of rows) put(row, { speaker: targetOf(to!, row, found), decision });
    if (action === "keep" && kind === "utterance")
      for (const row of rows) put(row, { speaker: undefined, decision });
    if (action !== "keepOne") continue;
    const kept = to ?? keys[0]!;
    copiesKept.push(decision);
    for (const key of keys.filter((one) => one !== kept))
      for (const row of isOfNames(kind) ? found.rows(key) : [found.row(key)])
        put(row, { speaker: null, decision });
  }
  for (const { keys, to } of copiesKept) {
    const kept = found.row(to ?? keys[0]!);
    const other = kept === undefined ? undefined : effects.get(kept);
    if (other?.speaker === null && other.decision.action === "keepOne")
      checkOneIsLeft(found.keyOf(kept!), other.decision, found, effects);
  }
  return effects;
}

/** Of recordings that are equal, one has to stay. @throws `conflict` where each is left out for another */
function checkOneIsLeft(key: string, because: Decision, found: Register, effects: Map<number, Effect>): void {
  const seen = new Set([key]);
  let decision = because;
  for (;;) {
    const kept = decision.to ?? decision.keys[0]!;
    const next = effects.get(found.row(kept) ?? -1);
    if (next?.speaker !== null || next.decision.action !== "keepOne") return;
    if (seen.has(kept))
      throw conflict(
        `${shown(key)} and its copies would all be left out, each for another (${inWords(because)}). Keep the same one in all of them.`,
        { got: key },
      );
    seen.add(kept);
    decision = next.decision;
  }
}

const isCopyLeftOut = ({ speaker, decision: { action, kind } }: Effect): boolean =>
  speaker === null && action === "keepOne" && !isOfNames(kind);
const isKept = ({ speaker }: Effect): boolean => speaker === undefined;
const isAuditors = ({ by }: Decision) => by === auditor;
const rankOf = (decision: Decision) => (isAuditors(decision) ? 0 : 1);

/** A name of the corpus; or what a speaker of the recording's own data set is called. */
function targetOf(to: string, row: number, found: Register): string {
  if (found.first(to) !== undefined) return to;
  const dataset = found.datasetOf(row);
  const name = nameOf({ dataset, speakerId: to })!;
  return dataset !== "" && to.startsWith(`${dataset}_`) ? to : name;
}

const areNames = (keys: readonly string[], found: Register) =>
  keys.every((key) => found.first(key) !== undefined);

/** Names of one person; within a data set, for across two the names stay. */
function isMerge({ kind, action, keys }: Decision, found: Register): boolean {
  if (action === "mergeNames") return true;
  if (kind !== "pair" || action !== "same") return false;
  return areNames(keys, found) && new Set(keys.map((name) => found.first(name)?.dataset)).size === 1;
}

function isOneSide(decision: Decision, found: Register): boolean {
  const { kind, action, keys } = decision;
  if (action === "keepOnOneSide") return true;
  return kind === "pair" && action === "same" && areNames(keys, found) && !isMerge(decision, found);
}

/** @throws `conflict` where merges join what is said to be two people */
function checkApart(held: readonly Decision[], names: (name: string) => string): void {
  for (const decision of held) {
    const { kind, action, keys } = decision;
    const isApart =
      (kind === "pair" && action === "different") || (kind === "splitSpeaker" && action === "keep");
    if (isApart && keys.length === 2 && names(keys[0]!) === names(keys[1]!))
      throw conflict(
        `${keys.map((key) => shown(key)).join(" and ")} are two people (${inWords(decision)}), and other decisions make them one. Take one of these out.`,
        { got: decision },
      );
  }
}

/** The new names of recordings whose name is split. */
function splitsOf(
  held: readonly Decision[],
  found: Register,
): Map<number, { name: string; decision: Decision }> {
  const names = new Map<number, { name: string; decision: Decision }>();
  const taken = new Set<string>();
  for (const decision of held) {
    if (decision.action !== "splitName") continue;
    const [name] = decision.keys;
    let number = 2;
    for (const part of decision.parts!.slice(1)) {
      const rows = part.flatMap((key) => found.row(key) ?? []);
      const isFree = (to: string) => !taken.has(to) && found.rows(to).every((row) => rows.includes(row));
      while (!isFree(`${name}~${number}`)) number++;
      const to = `${name}~${number}`;
      taken.add(to);
      for (const row of rows) names.set(row, { name: to, decision });
    }
  }
  return names;
}
