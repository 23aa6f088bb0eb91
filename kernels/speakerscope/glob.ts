/** A character of the text against one of a pattern. */
type Token = "*" | ((character: string) => boolean);

/** Matches whole texts with shell wildcards, as IPython does: `*`, `?` and `[...]`. Takes time in proportion to both lengths. */
export function createGlob(pattern: string): (text: string) => boolean {
  const tokens = tokensOf(pattern);
  return (text) => {
    let at = 0;
    let token = 0;
    // Where the last star stands and what it has swallowed so far: only that one ever has to take more.
    let star = -1;
    let swallowed = 0;
    while (at < text.length) {
      const wanted = tokens[token];
      if (wanted === "*") {
        star = token++;
        swallowed = at;
      } else if (wanted?.(text[at])) {
        at++;
        token++;
      } else if (star >= 0) {
        token = star + 1;
        at = ++swallowed;
      } else return false;
    }
    while (tokens[token] === "*") token++;
    return token === tokens.length;
  };
}

function tokensOf(pattern: string): Token[] {
  return [...pattern.matchAll(/\[(!?)([^\]]+)\]|./gs)].map(([whole, negation, members]) => {
    if (members !== undefined) {
      const isMember = setOf(members);
      return (character) => isMember(character) !== (negation === "!");
    }
    if (whole === "*") return "*";
    return whole === "?" ? () => true : (character) => character === whole;
  });
}

/** The characters and ranges between brackets. */
function setOf(members: string): (character: string) => boolean {
  const ranges = [...members.matchAll(/(.)-(.)|(.)/gs)].map(([, first, last, one]) => [
    first ?? one,
    last ?? one,
  ]);
  return (character) => ranges.some(([first, last]) => first <= character && character <= last);
}
