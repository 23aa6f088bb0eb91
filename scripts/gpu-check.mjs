// Measures extraction on this machine's GPU and writes the results to one JSON file, rewritten after each step:
//
//   node scripts/gpu-check.mjs OUT.json [--minutes 8] [--devices webgpu,cuda:0] [--clips N] [--model-path FILE]
//
// The errors for devices that are missing; embeddings of the bundled speech compared with the CPU's, two ranks on one GPU,
// utterances per second and memory, on WebGPU and then on CUDA where it can be used. A step that fails or takes too long
// is recorded, and the next one runs. scripts/gpu-check.sh brings all this to a machine without Node.
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { openExtractions } from "./gpu-check/extractions.mjs";
import { inspectMachine } from "./gpu-check/machine.mjs";
import { openReport } from "./gpu-check/report.mjs";

const { out, minutes, devices, clips, modelPath } = settings();
const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const work = mkdtempSync(join(tmpdir(), "gpu-check-"));
process.on("exit", () => rmSync(work, { recursive: true, force: true }));
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(1));

const { step, finish } = openReport(out, minutes);
let env = process.env;
let cuda = "It is not known whether CUDA can be used.";
await step("machine", 120, () => {
  const machine = inspectMachine(root);
  env = machine.env;
  cuda = machine.found.cuda;
  return machine.found;
});
const { embed, rate, refuse } = openExtractions({ root, work, env, clips, modelPath });

await step("missing device: cuda without its provider", 60, (limitMs) =>
  cuda === "can be used" ? { skipped: "The provider is there." } : refuse("cuda", {}, limitMs),
);
await step("missing device: cuda:99", 60, (limitMs) => refuse("cuda:99", {}, limitMs));
const noDriver = join(work, "no-driver.json");
await step("missing device: webgpu without a Vulkan driver", 60, (limitMs) =>
  refuse("webgpu", { VK_DRIVER_FILES: noDriver, VK_ICD_FILENAMES: noDriver }, limitMs),
);
await step("cpu: embeddings", 180, (limitMs) => embed("cpu", availableParallelism(), limitMs));
for (const device of devices) {
  if (device.startsWith("cuda") && cuda !== "can be used") await step(device, 1, () => ({ skipped: cuda }));
  else await measure(device);
}
process.exit(finish() ? 0 : 1);

async function measure(device) {
  await step(`${device}: embeddings`, 150, (limitMs) => embed(device, 1, limitMs));
  await step(`${device}: two ranks on one GPU`, 150, (limitMs) => embed(device, 2, limitMs));
  for (const bucket of [undefined, 50])
    for (const batchSize of [1, 8, 32]) {
      const name = `${device}: rate, batches of ${batchSize}${bucket ? `, --bucket ${bucket}` : ""}`;
      await step(name, 90, (limitMs) => rate({ device, batchSize, bucket }, limitMs));
    }
}

function settings() {
  try {
    const { positionals, values } = parseArgs({
      allowPositionals: true,
      options: {
        minutes: { type: "string", default: "8" },
        devices: { type: "string", default: "webgpu,cuda:0" },
        // How many of the bundled speech's smallest FLAC files to use instead of all of it, for a rehearsal.
        clips: { type: "string" },
        "model-path": { type: "string" },
      },
    });
    const [minutes, clips] = [Number(values.minutes), values.clips && Number(values.clips)];
    if (positionals.length !== 1) throw new Error("Name one file for the measurements.");
    if (!(minutes > 0)) throw new Error(`--minutes must be a positive number, not ${values.minutes}.`);
    if (!(clips === undefined || (Number.isInteger(clips) && clips > 0)))
      throw new Error(`--clips must be a positive whole number, not ${values.clips}.`);
    const modelPath = values["model-path"] && resolve(values["model-path"]);
    return { out: resolve(positionals[0]), minutes, devices: values.devices.split(","), clips, modelPath };
  } catch (error) {
    console.error(`gpu-check: ${error.message}`);
    console.error(
      "usage: node scripts/gpu-check.mjs OUT.json [--minutes 8] [--devices webgpu,cuda:0] [--clips N] [--model-path FILE]",
    );
    process.exit(2);
  }
}
