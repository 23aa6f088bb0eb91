import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { descendants } from "../../kernels/speakerscope/processes.js";
import { Client, isAlive, root } from "./client.js";

const test = suite("extraction");
let client: Client;
test.before(async () => {
  client = await Client.start();
  mkdirSync(join(client.folder, "corpus"));
  symlinkSync(join(root, "data/speech/studio"), join(client.folder, "corpus", "studio"));
});
test.after(() => client.close());

for (const [name, option] of [
  ["without the signal", ""],
  ["with the cell's signal", ", abortSignal: cellSignal()"],
])
  test(`an interrupted extraction ${name} stops its ranks, and what they stored is not done again`, async () => {
    const outputDir = join(client.folder, name.replaceAll(" ", "-"));
    const run = (then: string) => `import { extract } from "speakerscope";
import { cellSignal, progress } from "speakerscope/kernel";
const bar = progress("extract");
const result = await extract("corpus", {
  outputDir: ${JSON.stringify(outputDir)}, device: "cpu", numRanks: 2${option},
  onProgress: (event) => { bar(event); ${then} },
});
[result.resumed > 0, result.embedded, result.total]`;
    const before = descendants(client.process.pid as number);
    const id = await client.sendCell(
      run("if (event.stage === 'extract' && event.done >= 4) console.log('stored', event.done);"),
    );
    await client.until(() =>
      client.iopub.some((m) => m.parent === id && /stored/.test(m.content.text ?? "")),
    );
    const ranks = descendants(client.process.pid as number, before);
    assert.ok(ranks.length >= 2, String(ranks));
    await client.interrupt();
    const { reply } = await client.finished(id);
    assert.is(reply.ename, "KernelInterrupted");
    await client.until(() => !ranks.some(isAlive));
    assert.is(await client.value(run("")), "[ true, 16, 16 ]");
  });

test("bars of eight ranks stay under 20 messages a second, whether the loop yields or not", async () => {
  for (const rest of ["await new Promise((r) => setTimeout(r, 1));", ""]) {
    const { reply, messages } =
      await client.run(`import { progress as progressBar } from "speakerscope/kernel";
const bars = Array.from({ length: 8 }, (_, i) => progressBar(\`job \${i}\`));
const began = Date.now();
for (let n = 0; Date.now() - began < 1500; n++) { for (const bar of bars) bar({ done: n, total: 1e9 }); ${rest} }
console.log(Date.now() - began);`);
    assert.is(reply.status, "ok");
    const drawn = messages.filter((m) => m.type.endsWith("display_data")).length;
    const seconds = Number(messages.find((m) => m.type === "stream")?.content.text) / 1000;
    // The last state of each bar comes on top when the cell ends.
    assert.ok(drawn - 8 < 20 * seconds, `${drawn} messages in ${seconds} s`);
    assert.ok(drawn > 8, String(drawn));
  }
});

test.run();
