/** Numbers in [0, 1) that are the same in every run (mulberry32). */
export function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Copies of `bytes` with up to three bits or bytes changed, or cut off. */
export function* broken(bytes: Uint8Array, count: number, seed = 1): Generator<Uint8Array> {
  const next = random(seed);
  for (let i = 0; i < count; i++) {
    const copy = Uint8Array.from(bytes);
    for (let changes = Math.floor(next() * 4); changes > 0; changes--) {
      const at = Math.floor(next() * copy.length);
      copy[at] = next() < 0.5 ? copy[at] ^ (1 << Math.floor(next() * 8)) : Math.floor(next() * 256);
    }
    yield next() < 0.3 ? copy.subarray(0, Math.floor(next() * copy.length)) : copy;
  }
}
