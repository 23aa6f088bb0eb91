import { copyFileSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { compared } from "./compared.mjs";
import { round, watchedProcess } from "./watched-process.mjs";

/** The measurements themselves: each runs the command line, or one process of Node, as a user's job would. */
export function openExtractions({ root, work, env, clips, modelPath }) {
  const { readEmbeddings } = createRequire(import.meta.url)(
    join(root, "dist", "src", "store", "read-embeddings.js"),
  );
  const bundled = join(root, "data", "speech");
  const speech = clips === undefined ? bundled : smallest(bundled, clips, join(work, "speech"));
  const node = (args, extra, limitMs) =>
    watchedProcess(process.execPath, args, { env: { ...env, ...extra }, limitMs });
  const command = (args, extra, limitMs) =>
    node([join(root, "dist", "src", "cli", "main.js"), ...args], extra, limitMs);
  const extract = (name, device, ranks, extra, limitMs) => {
    const settings = [
      "--device",
      device,
      "--num_ranks",
      String(ranks),
      "--log_file",
      join(work, `${name}.log`),
    ];
    if (modelPath) settings.push("--model_path", modelPath);
    return command(
      ["extract", "--data_root", speech, "--output_dir", join(work, name), ...settings],
      extra,
      limitMs,
    );
  };
  let reference;

  /** Embeds the speech through the command line. The run on the CPU comes first: the others are compared with it. */
  async function embed(device, ranks, limitMs) {
    const name = `${device.replace(":", "-")}-${ranks}`;
    const run = await extract(name, device, ranks, {}, limitMs);
    const { seconds, memoryMiB } = run;
    const result = { ranks, seconds, memoryMiB, said: run.stdout.match(/^Rank \d+: Finished .*$/gm) ?? [] };
    if (run.exitCode !== 0) return { ...result, failed: ending(run, limitMs) };
    const leftMs = Math.max(1000, limitMs - 1000 * seconds);
    const merged = await command(
      ["merge", "--input_dir", join(work, name), "--output_dir", join(work, `${name}-final`)],
      {},
      leftMs,
    );
    if (merged.exitCode !== 0) return { ...result, failed: ending(merged, leftMs) };
    const embeddings = new Map(
      (await readEmbeddings(join(work, `${name}-final`), { level: "utterance" })).map(
        ({ key, embedding }) => [key, embedding],
      ),
    );
    Object.assign(result, {
      clips: embeddings.size,
      utterancesPerSecondWithStart: round(embeddings.size / seconds),
    });
    if (device === "cpu") {
      reference = embeddings;
      return result;
    }
    if (reference === undefined)
      return { ...result, failed: "There are no embeddings from the CPU to compare with." };
    return { ...result, ...compared(embeddings, reference) };
  }

  /** Utterances per second with features ready; see rate.mjs. */
  async function rate(setting, limitMs) {
    const settings = JSON.stringify({ speech, modelPath, ...setting });
    const run = await node([join(root, "scripts", "gpu-check", "rate.mjs"), settings], {}, limitMs);
    const last = run.stdout.trim().split("\n").at(-1);
    const result = { ...setting, ...(last ? JSON.parse(last) : {}), memoryMiB: run.memoryMiB };
    return run.exitCode === 0 ? result : { ...result, failed: ending(run, limitMs) };
  }

  /** What is said where a device is missing: it must be an error. */
  async function refuse(device, extra, limitMs) {
    const run = await extract("refused", device, 1, extra, limitMs);
    const error = run.stderr.match(/^error: .*$/m)?.[0];
    const result = { exitCode: run.exitCode, error };
    if (run.exitCode === 0)
      return { ...result, failed: `The extraction ran although ${device} is not there.` };
    return error === undefined ? { ...result, failed: ending(run, limitMs) } : result;
  }

  return { embed, rate, refuse };
}

function ending({ exitCode, timedOut, stdout, stderr }, limitMs) {
  if (timedOut) return `It was stopped after ${Math.round(limitMs / 1000)} s.`;
  return `It ended with code ${exitCode}: ${(stderr.trim() || stdout.trim()).slice(-2000)}`;
}

/** Copies the smallest FLAC files of a corpus, in their folders. */
function smallest(corpus, count, target) {
  const files = readdirSync(corpus, { recursive: true })
    .map(String)
    .filter((name) => name.endsWith(".flac"))
    .map((name) => ({ name, size: statSync(join(corpus, name)).size }))
    .sort((a, b) => a.size - b.size || (a.name < b.name ? -1 : 1));
  for (const { name } of files.slice(0, count)) {
    mkdirSync(dirname(join(target, name)), { recursive: true });
    copyFileSync(join(corpus, name), join(target, name));
  }
  return target;
}
