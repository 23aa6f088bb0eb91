import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { loadAudio } from "../../src/audio/index.js";
import { embed } from "../../src/embed/embed.js";
import { openModel } from "../../src/embed/open-model.js";
import { packageRoot } from "../../src/util/package-root.js";

/** SwiftShader, a Vulkan that runs on the CPU: every Chromium brings one. */
function swiftShader(): string | undefined {
  const name = "vk_swiftshader_icd.json";
  const browsers = join(homedir(), ".cache", "ms-playwright");
  const found = existsSync(browsers)
    ? readdirSync(browsers, { recursive: true })
        .map(String)
        .filter((path) => path.endsWith(name))
        .map((path) => join(browsers, path))
    : [];
  const folders = ["/usr/lib/chromium", "/usr/lib/chromium-browser", "/opt/google/chrome"];
  return [...folders.map((folder) => join(folder, name)), ...found].find((path) => existsSync(path));
}

test("an embedding from WebGPU is that from the CPU, to cosine 0.9999", async () => {
  const driver = swiftShader();
  const env = { ...process.env, PATH: `${process.env.PATH}:/sbin:/usr/sbin` };
  const libraries = spawnSync("ldconfig", ["-p"], { encoding: "utf8", env }).stdout ?? "";
  if (driver === undefined || !libraries.includes("libvulkan.so.1"))
    return console.log("SKIPPED WebGPU: no software Vulkan (apt-get install chromium libvulkan1)");
  // Read by the Vulkan loader when the first session opens.
  process.env.VK_ICD_FILENAMES = driver;
  process.env.XDG_RUNTIME_DIR ??= "/tmp";
  const file = join(packageRoot, "data", "speech", "test-other", "1688", "1688-142285-0000.flac");
  const { samples, sampleRate } = await loadAudio(file, { sampleRate: 16000 });
  const clip = { samples: samples.slice(sampleRate, 3 * sampleRate), sampleRate };
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

function cosine(a: Float32Array, b: Float32Array): number {
  const dot = (x: Float32Array, y: Float32Array) => x.reduce((sum, value, i) => sum + value * y[i]!, 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

test.run();
