/**
 * An element with its children. Names of recordings come from files: they are only ever set as text, never as markup.
 */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null) continue;
    if (name === "class") element.className = value;
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element && name !== "list") element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== undefined && child !== null));
  return element;
}

const svgNamespace = "http://www.w3.org/2000/svg";

/** The same for a drawing. */
export function s(tag, attributes = {}, ...children) {
  const element = document.createElementNS(svgNamespace, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

/** Control characters and those that turn the direction of text are shown as U+FFFD, as everywhere in the toolkit. */
export const plain = (text) =>
  String(text).replace(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069\ufffe\uffff]/gu, "\ufffd");

/**
 * A name on one line. Where it is too long it is cut in the middle (by the style sheet), for names of one corpus begin alike.
 *
 * @param end characters at the end that are kept
 */
export function nameOnALine(name, end) {
  const characters = [...plain(name)];
  const cut = Math.max(0, characters.length - end);
  return h(
    "span",
    // Its halves would be read as two words.
    {
      class: "desk-name",
      title: characters.join(""),
      role: "img",
      "aria-label": characters.join(""),
      dir: "auto",
    },
    h("span", {}, characters.slice(0, cut).join("")),
    h("span", {}, characters.slice(cut).join("")),
  );
}
