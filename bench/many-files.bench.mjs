// A corpus of very many files: what its scan costs, and whether the memory of a rank stays flat. The files are hard links
// to one clip of a second, and the model is a tiny one: everything but the model is what it is for a real corpus.
//   node bench/many-files.bench.mjs [files to scan] [files to extract]
import { spawn } from "node:child_process";
import { linkSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

const require = createRequire(import.meta.url);
require("tsx/cjs");
const { tinyModel, voice, wav } = require("../test/tiny.ts");
const { scan } = require("../dist/src/index.js");
const [scanned = 20_000, extracted = 20_000] = process.argv.slice(2).map(Number);
const main = require.resolve("../dist/src/cli/main.js");
const perSpeaker = 100;
const folder = mkdtempSync(join(tmpdir(), "many-files-"));

try {
  const clip = join(folder, "clip.wav");
  writeFileSync(clip, wav([voice(1, { seconds: 1 })]));
  const began = performance.now();
  const corpus = makeCorpus("scanned", scanned, clip);
  const made = performance.now();
  const before = process.cpuUsage();
  const found = await scan(corpus);
  const { user, system } = process.cpuUsage(before);
  console.log(
    `scan of ${found.utterances.length} files: ${seconds(made)} s, ${((user + system) / 1e6).toFixed(1)} CPU-s, ` +
      `peak ${Math.round(process.resourceUsage().maxRSS / 1024)} MB (making them took ${((made - began) / 1000).toFixed(0)} s)`,
  );
  await extract(makeCorpus("extracted", extracted, clip));
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Hard links to a clip; a file system gives a file so many of them, then the clip is copied. */
function makeCorpus(name, count, clip) {
  const root = join(folder, name);
  let source = clip;
  for (let i = 0; i < count; i++) {
    const speaker = Math.floor(i / perSpeaker);
    const place = join(root, `set-${speaker % 10}`, `speaker-${speaker}`);
    if (i % perSpeaker === 0) mkdirSync(place, { recursive: true });
    const path = join(place, `utterance-${i}.wav`);
    try {
      linkSync(source, path);
    } catch {
      writeFileSync(path, readFileSync(clip));
      source = path;
    }
  }
  return root;
}

/** Extracts with two ranks, and looks at their memory at every tenth of the way. */
async function extract(root) {
  const model = tinyModel(folder);
  const output = join(folder, "output");
  const args = ["--data_root", root, "--output_dir", output, "--model_path", model, "--num_ranks", "2"];
  const began = performance.now();
  const child = spawn(process.execPath, [main, "extract", ...args, "--log_file", join(folder, "log")], {
    stdio: "ignore",
  });
  const rows = [];
  const timer = setInterval(() => {
    const ranks = childrenOf(child.pid).map(residentMegabytes);
    if (ranks.length > 0) rows.push([(performance.now() - began) / 1000, Math.max(...ranks)]);
  }, 1000);
  const status = await new Promise((resolve) => child.on("close", resolve));
  clearInterval(timer);
  const megabytes = Array.from({ length: 11 }, (_, t) => rows[Math.round((t / 10) * (rows.length - 1))]?.[1]);
  console.log(
    `extract of ${extracted} clips of a second, tiny model: exit ${status}, ${seconds(began)} s; ` +
      `MB of the larger rank at every tenth: ${megabytes.map((mb) => Math.round(mb ?? 0)).join(" ")}`,
  );
}

function childrenOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean);
  } catch {
    return [];
  }
}

function residentMegabytes(pid) {
  try {
    return (Number(readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1]) * 4096) / 2 ** 20;
  } catch {
    return 0;
  }
}

function seconds(since) {
  return ((performance.now() - since) / 1000).toFixed(1);
}
