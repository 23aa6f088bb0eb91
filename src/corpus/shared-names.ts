/**
 * Gives one string for all that are equal: neighbours in a manifest share names, and a million utterances need not hold them a
 * million times.
 */
export function sharedNames(): (name: string) => string {
  const names = new Map<string, string>();
  return (name) => {
    const known = names.get(name);
    if (known !== undefined) return known;
    // Names that never come again must not fill the memory either.
    if (names.size > 100_000) names.clear();
    names.set(name, name);
    return name;
  };
}
