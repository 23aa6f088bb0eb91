/** What lists of names join, directly or through each other: gives one name for all that belong together. */
export function joined(lists: Iterable<readonly string[]>): (name: string) => string {
  const above = new Map<string, string>();
  const top = (name: string): string => {
    let at = name;
    for (let up = above.get(at); up !== undefined; up = above.get(at)) {
      // A shorter way for whoever asks next: chains may be as long as the lists are many.
      above.set(at, above.get(up) ?? up);
      at = up;
    }
    return at;
  };
  for (const [first, ...others] of lists)
    for (const name of others) if (top(name) !== top(first!)) above.set(top(name), top(first!));
  return top;
}
