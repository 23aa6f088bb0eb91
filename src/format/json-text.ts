/*
 * Finds values in a text of JSON, so that one of them can be replaced and every other byte stays: numbers of more digits than
 * JavaScript has, NaN as Python writes it, the order and the blanks.
 */

/** Where a value stands in a text. */
export interface Place {
  start: number;
  end: number;
}

export interface Edit extends Place {
  text: string;
}

/** The text with other values at some of its places, which do not overlap. */
export function edited(text: string, edits: readonly Edit[]): string {
  let result = "";
  let at = 0;
  for (const { start, end, text: now } of edits.toSorted((a, b) => a.start - b.start)) {
    result += text.slice(at, start) + now;
    at = end;
  }
  return result + text.slice(at);
}

/** An edit that gives a field of the object another value, or adds the field. */
export function setField(text: string, object: Place, name: string, value: unknown): Edit {
  const json = JSON.stringify(value);
  const place = fieldsIn(text, object).get(name);
  if (place !== undefined) return { ...place, text: json };
  const end = text.lastIndexOf("}", object.end - 1);
  const isEmpty = /^\{\s*$/.test(text.slice(object.start, end));
  return { start: end, end, text: `${isEmpty ? "" : ", "}${JSON.stringify(name)}: ${json}` };
}

/** Where the object or list in a text stands that is nothing else. */
export const whole = (text: string): Place => valueAt(text, 0);

/** The fields of an object; of two with one name the later counts, as in JSON.parse. */
export function fieldsIn(text: string, object: Place): Map<string, Place> {
  const fields = new Map<string, Place>();
  let at = skip(text, object.start + 1);
  while (at < object.end && text[at] !== "}") {
    const name = valueAt(text, at);
    const value = valueAt(text, skip(text, name.end));
    fields.set(JSON.parse(text.slice(name.start, name.end)) as string, value);
    at = skip(text, value.end);
  }
  return fields;
}

/** The items of a list. */
export function itemsIn(text: string, list: Place): Place[] {
  const items: Place[] = [];
  let at = skip(text, list.start + 1);
  while (at < list.end && text[at] !== "]") {
    const item = valueAt(text, at);
    items.push(item);
    at = skip(text, item.end);
  }
  return items;
}

/** To the next character that is neither blank nor a comma or colon. */
function skip(text: string, from: number): number {
  let at = from;
  while (at < text.length && /[\s,:\ufeff]/.test(text[at]!)) at++;
  return at;
}

function valueAt(text: string, from: number): Place {
  const start = skip(text, from);
  let depth = 0;
  let at = start;
  while (at < text.length) {
    const mark = text[at]!;
    if (mark === '"') at = endOfString(text, at);
    else if (mark === "{" || mark === "[") {
      depth++;
      at++;
    } else if (mark === "}" || mark === "]") {
      if (depth === 0) break;
      depth--;
      at++;
    } else if (depth === 0 && /[\s,:]/.test(mark)) break;
    else {
      at++;
      continue;
    }
    if (depth === 0) break;
  }
  return { start, end: at };
}

function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return at + 1;
}
