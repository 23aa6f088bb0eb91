import { readdirSync } from "node:fs";
import { join } from "node:path";
import { loadAudio } from "../../src/audio/load-audio.js";
import type { Signal } from "../../src/types.js";
import { packageRoot } from "../../src/util/package-root.js";
import { random } from "../../src/vectors/random.js";

const bundled = join(packageRoot, "data", "speech", "test-other");

/**
 * A recording joined from clips of one to four speakers, of the bundled ones or of a folder of theirs, in any order and without overlap: one to three
 * clips of each, half of them cut to 2 to 8 s, with no pause between them, 0.3 s, or up to 1.5 s.
 */
export async function mixture(seed: number, root = bundled): Promise<{ signal: Signal; speakers: string[] }> {
  const speakers = readdirSync(root).sort();
  const next = random(seed + 1000);
  const below = (n: number) => Math.floor(next() * n);
  const some = (names: readonly string[], count: number) => {
    const rest = [...names];
    return Array.from({ length: count }, () => rest.splice(below(rest.length), 1)[0]!);
  };
  const chosen = some(speakers, 1 + (seed % 4));
  const clips = chosen.flatMap((speaker) =>
    some(readdirSync(join(root, speaker)).sort(), 1 + below(3)).map((file) => join(root, speaker, file)),
  );
  const pieces: Float32Array[] = [];
  for (const clip of some(clips, clips.length)) {
    const { samples } = await loadAudio(clip);
    const seconds = next() < 0.5 ? 2 + 6 * next() : Number.POSITIVE_INFINITY;
    const pause = [0, 0.3, 1.5 * next()][seed % 3]!;
    pieces.push(samples.subarray(0, seconds * 16000), new Float32Array(Math.floor(pause * 16000)));
  }
  const samples = new Float32Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    samples.set(piece, at);
    at += piece.length;
  }
  return { signal: { samples, sampleRate: 16000 }, speakers: chosen };
}
