/**
 * Matches whole texts with shell wildcards, as IPython does: `*`, `?` and `[...]`.
 *
 * Each star but the last is atomic, as in Python's fnmatch: it takes as little as the part behind it allows and never tries
 * again, so that no pattern takes exponential time.
 */
export function createGlob(pattern: string): (text: string) => boolean {
  const parts = [""];
  for (const [whole, negation, members] of pattern.matchAll(/\[(!?)([^\]]+)\]|\*+|./gs)) {
    if (whole.startsWith("*")) parts.push("");
    else
      parts[parts.length - 1] +=
        members === undefined ? single(whole) : `[${negation && "^"}${setOf(members)}]`;
  }
  const first = parts.shift();
  const last = parts.pop();
  const middle = parts.map((part, i) => `(?=([^]*?${part}))\\${i + 1}`).join("");
  const regex = new RegExp(`^${first}${middle}${last === undefined ? "" : `[^]*${last}`}$`);
  return (text) => regex.test(text);
}

const single = (character: string): string => (character === "?" ? "[^]" : escaped(character));

/** The members of a set; a range whose ends are the wrong way round has none. */
const setOf = (members: string): string =>
  [...members.matchAll(/(.)-(.)|./gs)]
    .map(([one, low, high]) => {
      if (low === undefined) return escaped(one);
      return low <= high ? `${escaped(low)}-${escaped(high)}` : "";
    })
    .join("");

const escaped = (character: string): string => character.replace(/[\\^$.*+?()[\]{}|/-]/, "\\$&");
