// How often `voices` counts right on mixtures of speech, for several thresholds:
// node --import tsx test/vad/voices-check.ts [model] [count] [first seed] [folder of speakers' folders; default: the bundled test-other]
import { openModel } from "../../src/embed/open-model.js";
import { countVoices, voices } from "../../src/vad/voices.js";
import { mixture } from "./mixture.js";

const steps = [-0.08, -0.06, -0.04, -0.02, 0, 0.02, 0.04, 0.06, 0.08];

async function main(modelPath = "campplus", count = 100, first = 0, folder?: string): Promise<void> {
  const model = await openModel({ modelPath });
  // Around what the configuration says, or from one end to the other.
  const thresholds =
    model.voiceThreshold === undefined
      ? Array.from({ length: 18 }, (_, i) => (i + 1) / 20)
      : steps.map((step) => model.voiceThreshold! + step);
  const right = thresholds.map(() => [0, 0, 0, 0]);
  const all = [0, 0, 0, 0];
  let seconds = 0;
  for (let seed = first; seed < first + count; seed++) {
    const { signal, speakers } = await mixture(seed, folder);
    const { turns } = await voices(signal, { model, threshold: 0 });
    const embeddings = turns.map(({ embedding }) => embedding);
    const of = speakers.length - 1;
    all[of]!++;
    for (const [i, threshold] of thresholds.entries())
      if (countVoices(turns, embeddings, { threshold, minSeconds: 1 }).count === speakers.length)
        right[i]![of]!++;
    seconds += signal.samples.length / signal.sampleRate;
  }
  const sum = (counts: number[]) => counts.reduce((a, b) => a + b);
  for (const [i, threshold] of thresholds.entries())
    console.log(
      `${threshold.toFixed(2)}: right in ${sum(right[i]!)} of ${count}; with 1 to 4 voices: ${right[i]!.join(", ")} of ${all.join(", ")}`,
    );
  const { user, system } = process.cpuUsage();
  console.log(
    `${((user + system) / 1000 / seconds).toFixed(1)} ms of CPU for a second of audio, decoding included`,
  );
}

const [model, count, first, folder] = process.argv.slice(2);
void main(model, Number(count ?? 100), Number(first ?? 0), folder);
