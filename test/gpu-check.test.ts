import { spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { packageRoot } from "../src/util/package-root.js";
import { softwareVulkan } from "./software-vulkan.js";
import { put, temporaryFolder, tinyModel } from "./tiny.js";

/** Whether xz, which packs the parts, is here; said loudly where it is not. */
function canPack(): boolean {
  const there = spawnSync("xz", ["--version"]).status === 0;
  if (!there) console.log("SKIPPED the parts of the check of GPUs: no xz (apt-get install xz-utils)");
  return there;
}

interface Step {
  step: string;
  status: "ok" | "failed" | "skipped";
  reason?: string;
  [result: string]: unknown;
}

const tools = ["bash", "cat", "dirname", "ln", "mkdir", "rm", "sed", "sha256sum", "tar"];

/** A machine with a checkout that nothing was set up in, no Node, and of programs only the tools named. */
function bareMachine(programs: readonly string[], written: Record<string, string>) {
  const folder = temporaryFolder("bare");
  const [bin, home, checkout] = ["bin", "home", "checkout"].map((name) => join(folder, name));
  for (const path of [bin!, home!, checkout!]) mkdirSync(path);
  for (const name of programs) {
    const { stdout } = spawnSync("bash", ["-c", `type -P ${name}`], { encoding: "utf8" });
    symlinkSync(stdout.trim(), join(bin!, name));
  }
  for (const [name, text] of Object.entries(written)) chmodSync(put(join(bin!, name), text), 0o755);
  cpSync(join(packageRoot, "scripts"), join(checkout!, "scripts"), { recursive: true });
  for (const name of ["data", "src"]) symlinkSync(join(packageRoot, name), join(checkout!, name));
  return {
    folder,
    run(args: string[], env: NodeJS.ProcessEnv = {}) {
      const { status, stdout, stderr } = spawnSync("bash", ["scripts/gpu-check.sh", "run", ...args], {
        cwd: checkout,
        encoding: "utf8",
        env: { PATH: bin, HOME: home, ...env },
      });
      return { status, text: stdout + stderr };
    },
  };
}

const read = (file: string) => JSON.parse(readFileSync(file, "utf8")) as { complete: boolean; steps: Step[] };

const script = (name: string) => import(pathToFileURL(join(packageRoot, "scripts", "gpu-check", name)).href);

test("on a bare machine with a Vulkan driver the check of GPUs runs from parts to a full file of measurements", () => {
  const driver = softwareVulkan();
  if (driver === undefined || !canPack()) return;
  const machine = bareMachine([...tools, "xz", "ldd"], {
    // No Vulkan loader is known there, so the one of the parts is taken, and one GPU is, without a provider for CUDA.
    ldconfig: "#!/bin/bash\n",
    "nvidia-smi": `#!/bin/bash
case $1 in
  --query-gpu=index) echo 0 ;;
  --query-gpu=memory.used) echo 1234 ;;
  *) echo "Stand-in, 580.0, 81559 MiB" ;;
esac
`,
  });
  const parts = join(machine.folder, "parts");
  const packed = spawnSync(join(packageRoot, "scripts", "gpu-check.sh"), ["pack", parts], {
    encoding: "utf8",
    env: { ...process.env, XZ_OPT: "-0" },
  });
  assert.is(packed.status, 0, packed.stdout + packed.stderr);
  const names = readdirSync(parts).filter((name) => name.startsWith("part-"));
  assert.ok(names.length >= 2 && names.every((name) => statSync(join(parts, name)).size <= 15 << 20));

  const out = join(machine.folder, "out", "gpu.json");
  renameSync(join(parts, "part-01"), join(machine.folder, "part-01"));
  const early = machine.run([parts, out]);
  assert.is(early.status, 1);
  assert.match(early.text, /part-01.*\n.*\n*.*parts in .* are incomplete/s);
  renameSync(join(machine.folder, "part-01"), join(parts, "part-01"));

  const model = tinyModel(machine.folder);
  const { status, text } = machine.run([parts, out, "--clips", "3", "--model-path", model], {
    VK_DRIVER_FILES: driver,
  });
  assert.is(status, 0, text);
  const { complete, steps } = read(out);
  assert.ok(complete);
  const step = (name: string) => steps.find((entry) => entry.step === name) ?? assert.unreachable(name);
  assert.equal(
    steps.filter((entry) => entry.status !== "ok").map((entry) => [entry.step, entry.status]),
    [["cuda:0", "skipped"]],
  );
  assert.match(step("cuda:0")!.reason!, /libonnxruntime_providers_cuda\.so .*272 MB/);
  const found = step("machine") as Step;
  assert.equal(found.gpus, ["Stand-in, 580.0, 81559 MiB"]);
  assert.is(found.vulkanLoader, join(parts, "unpacked", "lib", "libvulkan.so.1"));
  assert.equal(found.vulkanDriverLacks, []);

  for (const [name, said] of [
    ["cuda without its provider", /libonnxruntime_providers/],
    ["cuda:99", /cuda:99/],
    ["webgpu without a Vulkan driver", /Vulkan/],
  ] as const)
    assert.match((step(`missing device: ${name}`) as Step).error as string, said);
  for (const name of ["webgpu: embeddings", "webgpu: two ranks on one GPU"]) {
    const { comparedWithCpu, worst, memoryMiB, said } = step(name) as Step & Record<string, never>;
    assert.is(comparedWithCpu, 3);
    assert.ok((worst as { cosine: number }).cosine >= 0.9999);
    assert.match((worst as { clip: string }).clip, /^test-other_/);
    assert.ok((memoryMiB as { processes: number }).processes > 50);
    assert.is((memoryMiB as { gpuPeak: number }).gpuPeak, 1234);
    assert.is((said as string[]).length, name.includes("two") ? 2 : 1);
  }
  for (const bucket of ["", ", --bucket 50"])
    for (const batch of [1, 8, 32]) {
      const rate = step(`webgpu: rate, batches of ${batch}${bucket}`) as Step;
      assert.is(rate.clips, 3);
      for (const pass of ["first", "second", "third"])
        assert.ok((rate[pass] as { utterancesPerSecond: number }).utterancesPerSecond > 0);
    }
});

test("parts are unpacked by Python where xz is missing, and options go on to the measurements", () => {
  if (!canPack()) return;
  const { stdout: python } = spawnSync("python3", ["-c", "import sys; print(sys.executable)"], {
    encoding: "utf8",
  });
  const machine = bareMachine(tools, { python3: `#!/bin/bash\nexec ${python.trim()} "$@"\n` });
  const content = join(machine.folder, "content");
  chmodSync(put(join(content, "node"), '#!/bin/bash\necho "$@"\n'), 0o755);
  const parts = join(machine.folder, "parts");
  mkdirSync(parts);
  const pack = "tar -C ../content -c . | xz | split -b 100 -d -a 2 - part- && sha256sum part-* >SHA256SUMS";
  assert.is(spawnSync("bash", ["-c", pack], { cwd: parts }).status, 0);
  assert.ok(readdirSync(parts).length > 2);
  const { status, text } = machine.run([parts, "out.json", "--minutes", "3"]);
  assert.is(status, 0, text);
  const main = join(parts, "unpacked", "scripts", "gpu-check.mjs");
  assert.is(text, `${main} ${join(machine.folder, "checkout", "out.json")} --minutes 3\n`);
});

test("a machine whose NVIDIA driver for Vulkan has no libEGL to open is told so", async () => {
  const folder = temporaryFolder();
  const before = { ...process.env };
  // No library is known there, and the driver, an empty file, is linked to none.
  chmodSync(put(join(folder, "bin", "ldconfig"), "#!/bin/sh\n"), 0o755);
  put(join(folder, "libGLX_nvidia.so.0"), "");
  const driver = put(join(folder, "icd.json"), '{"ICD": {"library_path": "./libGLX_nvidia.so.0"}}');
  Object.assign(process.env, { PATH: `${join(folder, "bin")}:${before.PATH}`, VK_DRIVER_FILES: driver });
  try {
    const { inspectMachine } = await script("machine.mjs");
    const lacks = () => inspectMachine(packageRoot).found.vulkanDriverLacks;
    assert.equal(lacks(), ["libEGL.so.1"]);
    process.env.LD_LIBRARY_PATH = folder;
    put(join(folder, "libEGL.so.1"), "");
    assert.equal(lacks(), []);
  } finally {
    process.env = before;
  }
});

test("a step of the check of GPUs that fails is recorded with its reason, and the next ones run", () => {
  const out = join(temporaryFolder(), "gpu.json");
  const main = join(packageRoot, "scripts", "gpu-check.mjs");
  const { status, stdout } = spawnSync(
    process.execPath,
    [main, out, "--clips", "1", "--model-path", "/none.onnx"],
    { encoding: "utf8" },
  );
  assert.is(status, 1, stdout);
  const { complete, steps } = read(out);
  assert.ok(complete);
  assert.is(steps.find(({ step }) => step === "machine")?.status, "ok");
  const failed = steps.filter((entry) => entry.status === "failed");
  assert.ok(failed.length >= 9);
  for (const { reason } of failed) assert.match(reason!, /none\.onnx/);
});

test("an embedding that is not the CPU's fails the check of GPUs, and the worst clip is named", async () => {
  const { compared } = await script("compared.mjs");
  const clips = (...embeddings: number[][]) =>
    new Map(embeddings.map((embedding, i) => [`clip${i}`, Float32Array.from(embedding)]));
  const cpu = clips([1, 0], [0, 1], [1, 1]);
  const good = compared(clips([1, 0], [0, 2], [1, 1.001]), cpu);
  assert.is(good.failed, undefined);
  assert.equal([good.comparedWithCpu, good.worst.clip, good.equalToTheLastBit], [3, "clip2", 1]);
  const bad = compared(clips([1, 0], [0.1, 1], [1, 1.1]), cpu);
  assert.match(bad.failed, /^2 clips have a cosine below 0.9999 with the CPU's, the worst clip1 \(0.995/);
  const none = compared(clips([1, 0], [0.1, 1], [Number.NaN, 1]), cpu);
  assert.match(none.failed, /the worst clip2 \(NaN\)/);
  assert.match(compared(clips([1, 0]), cpu).failed, /^2 of the CPU's clips are missing/);
});

test("a program that takes too long is ended with all that it started", async () => {
  const { watchedProcess } = await script("watched-process.mjs");
  const runFor = (limitMs: number) =>
    watchedProcess("bash", ["-c", "sleep 600 & echo $!; wait"], { env: process.env, limitMs });
  let run = await runFor(1000);
  // On a busy machine bash may take longer to begin.
  for (let limitMs = 2000; run.stdout.trim() === "" && limitMs < 60_000; limitMs *= 2)
    run = await runFor(limitMs);
  assert.ok(run.timedOut);
  assert.match(run.stdout, /^\d+\n$/);
  const child = `/proc/${run.stdout.trim()}/stat`;
  const isGone = () => {
    try {
      return / Z /.test(readFileSync(child, "utf8"));
    } catch {
      return true;
    }
  };
  // It has been told to end, and needs the processor once more for that.
  for (let wait = 0; wait < 200 && !isGone(); wait++) await new Promise((r) => setTimeout(r, 50));
  assert.ok(isGone());
});

test.run();
