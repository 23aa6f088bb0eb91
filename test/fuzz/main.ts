// npm run fuzz -- [mutants] [seed]: reads mutants of audio files, pickles and .npy files, and reports every crash, hang,
// error of no class of ours and odd answer, each with the number by which `npm run fuzz -- 1 <seed> <number>` repeats it.
import { fuzz } from "./fuzz.js";

const [count = 10_000, seed = 1, first = 0] = process.argv.slice(2).map(Number);

async function main(): Promise<void> {
  const begun = Date.now();
  const findings = await fuzz({
    count,
    seed,
    first,
    onProgress: (done) => {
      if (done % 1000 === 0) console.log(`${done} of ${count}, ${Math.round((Date.now() - begun) / 1000)} s`);
    },
  });
  for (const { index, what } of findings) console.log(`\n${index}: ${what}`);
  console.log(`\n${count} mutants with seed ${seed}: ${findings.length} findings`);
  process.exitCode = findings.length === 0 ? 0 : 1;
}

void main();
