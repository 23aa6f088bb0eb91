import type { AuditUtterance } from "../../src/audit/audit-corpus.js";
import { random } from "../../src/vectors/random.js";

/**
 * Speakers of random voices; `spread` is how much an utterance differs from its speaker, `uneven` how differently much utterances do (the
 * deviation of the logarithm).
 */
export function voices(
  speakers: number,
  utterances: number,
  { dataset = "x", spread = 0.4, uneven = 0, seed = 1 } = {},
): AuditUtterance[] {
  const next = random(seed);
  const normal = () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  const people = Array.from({ length: speakers }, () => Array.from({ length: 24 }, normal));
  return people.flatMap((voice, s) =>
    Array.from({ length: utterances }, (_, u) => {
      const far = uneven === 0 ? spread : spread * Math.exp(uneven * normal());
      return {
        key: `${dataset}_s${s}_u${u}`,
        dataset,
        speakerId: `s${s}`,
        embedding: Float32Array.from(voice, (x) => x + far * normal()),
      };
    }),
  );
}
