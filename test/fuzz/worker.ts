import { findingOf } from "./mutants.js";

const [seed, start, end] = process.argv.slice(2).map(Number);

async function work(): Promise<void> {
  for (let index = start; index < end; index++) {
    const what = await findingOf(seed, index);
    await new Promise((sent) => process.send?.({ done: index, what }, undefined, undefined, sent));
  }
  process.disconnect();
}

void work();
