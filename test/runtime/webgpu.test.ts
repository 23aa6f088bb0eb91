import { join } from "node:path";
import { extract, merge, readEmbeddings } from "speakerscope";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { loadAudio } from "../../src/audio/load-audio.js";
import { embed } from "../../src/embed/embed.js";
import { openModel } from "../../src/embed/open-model.js";
import { packageRoot } from "../../src/util/package-root.js";
import { softwareVulkan } from "../software-vulkan.js";
import { temporaryFolder, tinyCorpus, tinyModel } from "../tiny.js";

/** Points the Vulkan loader, which looks when the first session opens, at it; false, said loudly, where there is none. */
function useSoftwareVulkan(): boolean {
  const driver = softwareVulkan();
  if (driver === undefined) return false;
  process.env.VK_ICD_FILENAMES = driver;
  process.env.XDG_RUNTIME_DIR ??= "/tmp";
  return true;
}

test("an embedding from WebGPU is that from the CPU, to cosine 0.9999", async () => {
  if (!useSoftwareVulkan()) return;
  const file = join(packageRoot, "data", "speech", "test-other", "1688", "1688-142285-0000.flac");
  const { samples, sampleRate } = await loadAudio(file, { sampleRate: 16000 });
  // A driver in software takes seconds for a second of speech.
  const clip = { samples: samples.slice(sampleRate, 1.4 * sampleRate), sampleRate };
  const [cpu, gpu] = [await embedOn("cpu"), await embedOn("webgpu")];
  assert.ok(cosine(cpu, gpu) >= 0.9999, `cosine ${cosine(cpu, gpu)}`);
  assert.not.equal(gpu, cpu, "it did run elsewhere");

  async function embedOn(device: string): Promise<Float32Array> {
    const model = await openModel({ device });
    assert.is(model.device, device);
    const [embedding] = await embed([clip], model);
    await model.close();
    return embedding!;
  }
});

test("a rank on WebGPU takes batches of features that threads have made, and embeds as one on the CPU", async () => {
  if (!useSoftwareVulkan()) return;
  const folder = temporaryFolder();
  const modelPath = tinyModel(folder);
  const files = Array.from({ length: 9 }, (_, i) => [`d/s/u${i}.wav`, i] as const);
  const corpus = tinyCorpus(join(folder, "corpus"), Object.fromEntries(files));
  const [cpu, gpu] = [await extracted("cpu"), await extracted("webgpu")];
  assert.is(gpu.length, 9);
  for (const [i, { key, embedding }] of gpu.entries()) {
    assert.is(key, cpu[i]!.key);
    assert.ok(cosine(embedding, cpu[i]!.embedding) >= 0.9999, key);
  }

  async function extracted(device: string) {
    const outputDir = join(folder, device);
    const { ranks } = await extract(corpus, { outputDir, modelPath, device, numRanks: 1, batchSize: 4 });
    assert.equal(
      ranks.map((rank) => [rank.device, rank.done, rank.failed]),
      [[device, 9, 0]],
    );
    await merge(outputDir, { outputDir: join(folder, `${device}-final`) });
    return readEmbeddings(join(folder, `${device}-final`), { level: "utterance" });
  }
});

function cosine(a: Float32Array, b: Float32Array): number {
  const dot = (x: Float32Array, y: Float32Array) => x.reduce((sum, value, i) => sum + value * y[i]!, 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

test.run();
