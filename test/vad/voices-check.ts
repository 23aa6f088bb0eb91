// How often `voices` counts right on mixtures of the bundled speech: node --import tsx test/vad/voices-check.ts [count] [first seed]
import { openModel } from "../../src/embed/open-model.js";
import { voices } from "../../src/vad/voices.js";
import { mixture } from "./mixture.js";

async function main(count: number, first: number): Promise<void> {
  const model = await openModel();
  const right = [0, 0, 0, 0];
  const all = [0, 0, 0, 0];
  let seconds = 0;
  for (let seed = first; seed < first + count; seed++) {
    const { signal, speakers } = await mixture(seed);
    const found = (await voices(signal, { model })).count;
    seconds += signal.samples.length / signal.sampleRate;
    all[speakers.length - 1]!++;
    if (found === speakers.length) right[speakers.length - 1]!++;
    else console.log(`seed ${seed}: ${found} voices of ${speakers.join(", ")}`);
  }
  const sum = (counts: number[]) => counts.reduce((a, b) => a + b);
  const { user, system } = process.cpuUsage();
  console.log(
    `right in ${sum(right)} of ${sum(all)}; with 1 to 4 voices: ${right.join(", ")} of ${all.join(", ")}`,
  );
  console.log(
    `${((user + system) / 1000 / seconds).toFixed(1)} ms of CPU for a second of audio, decoding included`,
  );
}

main(Number(process.argv[2] ?? 100), Number(process.argv[3] ?? 0));
