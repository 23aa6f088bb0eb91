import { invalid, shown } from "../errors.js";
import { demandList } from "../util/demand.js";
import { actionsOf, type Decision, type DecisionKind } from "./decision.js";
import { inCamelCase, inSnakeCase } from "./spelling.js";

/**
 * A decision out of what a file or a page says.
 *
 * @param place for the error: `Line 3 of decisions.jsonl`
 * @throws `invalid` for what is no decision, saying where and what is wrong with it
 */
export function checkDecision(value: unknown, place: string, path?: string): Decision {
  const fail = (what: string, got: unknown) => invalid(`${place} ${what}`, { got, path });
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw fail(`is ${shown(value)}, not an object.`, value);
  const row = value as Record<string, unknown>;
  const text = (name: string): string => {
    const got = row[name];
    if (typeof got === "string" && got !== "") return got;
    throw fail(
      got === undefined
        ? `has no ${shown(name)}. A decision has kind, keys, action and by.`
        : `has ${shown(got)} as ${shown(name)}, which must be text.`,
      got,
    );
  };
  const kind = inCamelCase(text("kind")) as DecisionKind;
  if (!Object.hasOwn(actionsOf, kind))
    throw fail(
      `has the unknown kind ${shown(row.kind)}. Known are ${Object.keys(actionsOf).map(inSnakeCase).join(", ")}.`,
      row.kind,
    );
  const actions: readonly string[] = [...actionsOf[kind], "undo"];
  const action = inCamelCase(text("action")) as Decision["action"];
  if (!actions.includes(action))
    throw fail(
      `has the action ${shown(row.action)}. For ${inSnakeCase(kind)} it must be ${actions.map(inSnakeCase).join(", ")}.`,
      row.action,
    );
  const keys = listOf(row.keys);
  if (keys === undefined || keys.length === 0)
    throw fail(`has ${shown(row.keys)} as "keys", which must be a list of names.`, row.keys);
  const by = text("by");
  const at = row.at === undefined || row.at === "" ? "" : text("at");
  if (at !== "" && Number.isNaN(Date.parse(at)))
    throw fail(`has ${shown(at)} as "at", which must be a time such as 2026-01-31T09:30:00Z.`, at);
  const decision: Decision = { kind, keys, action, by, at };
  if (row.to !== undefined && row.to !== null && row.to !== "") decision.to = text("to");
  if (action === "relabel" && decision.to === undefined)
    throw fail('says relabel, but not to whom. Add "to", a speaker.', row);
  if (action === "keepOne" && decision.to !== undefined && !keys.includes(decision.to))
    throw fail(`keeps ${shown(decision.to)}, which is none of its keys.`, decision.to);
  if (action === "splitName") {
    const parts = Array.isArray(row.parts) ? row.parts.map(listOf) : [];
    if (parts.length < 2 || parts.includes(undefined))
      throw fail('says split_name, but not how. Add "parts", two or more lists of utterances.', row.parts);
    const all = parts.flatMap((part) => part!);
    const twice = all.find((key, i) => all.indexOf(key) < i);
    if (twice !== undefined) throw fail(`has ${shown(twice)} twice in its "parts".`, row.parts);
    decision.parts = parts as string[][];
  }
  if (typeof row.probability === "number") decision.probability = row.probability;
  return decision;
}

/**
 * The decisions of a list, as a file of them is read: a program may have made them.
 *
 * @param who takes them, for the error: `applyDecisions`
 * @throws `invalid` for what is no list, and for what is no decision in it
 */
export function checkedDecisions(decisions: unknown, who: string): Decision[] {
  demandDecisions(decisions, who);
  return (decisions as unknown[]).map((decision, i) => checkDecision(decision, `Decision ${i} of ${who}`));
}

/** @throws `invalid` for what is no list, such as the path of a file of decisions */
export const demandDecisions = (decisions: unknown, who: string): void =>
  demandList(
    decisions,
    `${who} takes the list of decisions`,
    'const { decisions } = readDecisions("decisions.jsonl")',
  );

function listOf(value: unknown): string[] | undefined {
  return Array.isArray(value) && value.every((item) => typeof item === "string") ? value : undefined;
}
