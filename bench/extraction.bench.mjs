// What an extraction costs on the bundled speech, in one run: the bare model, each part around it, ranks, int8, start-up,
// memory, and sherpa-onnx-node with the same ONNX file. CPU time, but for ranks side by side. Needs a build and idle cores.
//
// What is compared is measured in turn, several rounds of it, and the median of the rounds is reported: on a busy machine the
// same work takes half as much CPU time again, and a minute later it does not.
import { spawn, spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const require = createRequire(import.meta.url);
const built = (name) => require(join(root, "dist", "src", name));
const { inspectSignal } = built("audio/inspect-signal.js");
const { loadAudio } = built("audio/load-audio.js");
const { bundledModel, openModel } = built("embed/open-model.js");
const { openLog } = built("store/record-log.js");
const { individualUtterance } = built("store/individual.js");

const corpus = join(root, "data", "speech", "test-other");
const files = readdirSync(corpus, { recursive: true })
  .map((name) => join(corpus, String(name)))
  .filter((name) => name.endsWith(".flac"))
  .sort()
  .slice(0, 50);
const rounds = 5;
const folder = mkdtempSync(join(tmpdir(), "speakerscope-bench-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

const sherpaProgram = `
const { place, audio, graph, files } = JSON.parse(require("node:fs").readFileSync(process.argv[1], "utf8"));
const sherpa = require(place);
const { loadAudio } = require(audio);
const extractor = new sherpa.SpeakerEmbeddingExtractor({ model: graph, numThreads: Number(process.argv[2]), debug: 0 });
const embed = async (path) => {
  const { samples, sampleRate } = await loadAudio(path, { sampleRate: 16000 });
  const stream = extractor.createStream();
  stream.acceptWaveform({ samples, sampleRate });
  stream.inputFinished();
  return extractor.compute(stream);
};
(async () => {
  for (const path of files.slice(0, 3)) await embed(path);
  const before = process.cpuUsage();
  const start = performance.now();
  for (const path of files) await embed(path);
  const { user, system } = process.cpuUsage(before);
  console.log(JSON.stringify({ cpuMs: (user + system) / 1000, seconds: (performance.now() - start) / 1000 }));
})();
`;

const parts = await costsOfParts();
const bareRun = await openBareRun();
const measured = [];
for (let round = 0; round < rounds; round++) {
  const bare = await bareRun.cost();
  const one = await extraction(`one-${round}`, ["--num_ranks", "1"]);
  const start = await extraction(`start-${round}`, ["--num_ranks", "1"], 1);
  const two = await extraction(`two-${round}`, ["--num_ranks", "2"]);
  const full = (one.cpuMs - start.cpuMs) / (files.length - 1);
  measured.push({
    bare,
    full,
    ratio: bare / full,
    // The command on one file, less what that file takes itself.
    startCpuMs: start.cpuMs - full,
    startSeconds: start.seconds,
    warm: one.seconds - start.seconds,
    warmTwo: two.seconds - start.seconds,
    rankMb: one.rankMb,
  });
}
await bareRun.close();
const median = (name) => {
  const values = measured.map((round) => round[name]).sort((a, b) => a - b);
  return values[rounds >> 1];
};
const spread = (name, digits) => {
  const values = measured.map((round) => round[name]);
  return `${rounds} rounds, ${Math.min(...values).toFixed(digits)} to ${Math.max(...values).toFixed(digits)}`;
};
const [bare, full, ratio, startCpuMs] = ["bare", "full", "ratio", "startCpuMs"].map(median);

console.log(
  `${files.length} clips of ${(parts.seconds / files.length).toFixed(1)} s, FLAC 16 kHz, one thread; CPU-ms a clip`,
);
row("bare model on ready features", bare, spread("bare", 1));
row("read and decode", parts.decode);
row("look for silence, clipping", parts.inspect);
row("filter bank", parts.fbank);
row("store (log)", parts.store);
row("individual pickle, where asked for", parts.individual);
row("parts outside of the model", parts.outside, "goal <= 5", parts.outside <= 5);
row("extract, a rank: all of a clip", full, spread("full", 1));
row("extract, a rank: all but the model", full - bare);
row("bare model / extract", ratio, `${spread("ratio", 3)}; goal >= 0.93`, ratio >= 0.93);
const { int8 } = parts;
const gain8 = parts.bare / int8;
row("int8 model on ready features", int8, `${gain8.toFixed(2)} x fp32; goal >= 2`, gain8 >= 2);
console.log("in all");
row(
  "start: processes, model, scan, files; CPU-ms",
  startCpuMs,
  `${spread("startCpuMs", 0)}; goal <= 1000`,
  startCpuMs <= 1000,
);
row("start: seconds until one file is embedded and written", median("startSeconds"));
row("1 rank x 1 thread, seconds without the start", median("warm"));
const gain = median("warm") / median("warmTwo");
row("2 ranks x 1 thread", median("warmTwo"), `${gain.toFixed(2)} x 1 rank; goal >= 1.8`, gain >= 1.8);
row("peak memory of a rank, MB", median("rankMb"));
await compareWithSherpa();

function row(name, value, note = "", good) {
  const verdict = good === undefined ? "" : good ? "  reached" : "  NOT reached";
  console.log(`  ${name.padEnd(54)} ${value.toFixed(2).padStart(9)}  ${note}${verdict}`);
}

function cpuMs() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Every part on every clip, the parts in turn, so that a slow moment of the machine meets all of them. */
async function costsOfParts() {
  const model = await openModel();
  const small = await openModel({ precision: "int8" });
  const log = openLog(join(folder, "bench.log"), 0);
  const spent = {};
  let counting = false;
  const measure = async (part, work) => {
    const before = cpuMs();
    const result = await work();
    if (counting) spent[part] = (spent[part] ?? 0) + cpuMs() - before;
    return result;
  };
  let seconds = 0;
  const pass = async (paths) => {
    for (const path of paths) {
      const signal = await measure("decode", () => loadAudio(path, { sampleRate: 16000 }));
      await measure("inspect", () => inspectSignal(signal.samples, 16000, { minSamples: model.minSamples }));
      const features = await measure("fbank", () => model.features(signal.samples));
      const [embedding] = await measure("bare", () => model.run([features]));
      await measure("int8", () => small.run([features]));
      const info = { dataset: "test-other", speakerId: "speaker", utteranceId: "utterance", path };
      await measure("store", () =>
        log.append({ file: path, size: 1, mtimeMs: 1, seconds: signal.seconds, at: Date.now() }, embedding),
      );
      await measure("individual", () =>
        writeFileSync(join(folder, "one.pkl"), individualUtterance({ ...info, embedding })),
      );
      seconds += counting ? signal.seconds : 0;
    }
  };
  await pass(files.slice(0, 10));
  counting = true;
  await pass(files);
  log.close();
  await model.close();
  await small.close();
  const costs = Object.fromEntries(Object.entries(spent).map(([part, ms]) => [part, ms / files.length]));
  return { ...costs, seconds, outside: costs.decode + costs.inspect + costs.fbank + costs.store };
}

/** The model alone: what a pass over the clips takes of it once their features are made, in CPU-ms a clip. */
async function openBareRun() {
  const model = await openModel();
  const features = [];
  for (const path of files)
    features.push(model.features((await loadAudio(path, { sampleRate: 16000 })).samples));
  return {
    async cost() {
      const before = cpuMs();
      for (const one of features) await model.run([one]);
      return (cpuMs() - before) / files.length;
    },
    close: () => model.close(),
  };
}

/** The command line on the whole corpus, or on its first files: seconds, CPU time of all processes, memory of a rank. */
async function extraction(name, flags, count = files.length) {
  const corpusFolder = join(folder, `corpus-${count}`);
  for (const path of files.slice(0, count)) {
    const place = join(corpusFolder, "test-other", path.slice(corpus.length + 1));
    mkdirSync(dirname(place), { recursive: true });
    if (!existsSync(place)) symlinkSync(path, place);
  }
  const args = [
    "extract",
    "--data_root",
    corpusFolder,
    "--output_dir",
    join(folder, name),
    "--device",
    "cpu",
    ...flags,
  ];
  const command = [process.execPath, join(root, "dist", "src", "cli", "main.js"), ...args]
    .map((word) => `'${word}'`)
    .join(" ");
  const before = performance.now();
  const child = spawn("bash", ["-c", `${command} >run.log 2>&1; status=$?; times; exit $status`], {
    cwd: folder,
  });
  let text = "";
  child.stdout.on("data", (data) => (text += data));
  let rankMb = 0;
  const timer = setInterval(() => (rankMb = Math.max(rankMb, peakOfRanks(join(folder, name)))), 100);
  const status = await new Promise((resolve) => child.on("close", resolve));
  clearInterval(timer);
  if (status !== 0) throw new Error(readFileSync(join(folder, "run.log"), "utf8"));
  const seconds = (performance.now() - before) / 1000;
  // The second line of bash's `times` is that of the children: 0m1.234s 0m0.056s
  const spent = [
    ...text
      .trim()
      .split("\n")
      .at(-1)
      .matchAll(/(\d+)m([\d.]+)s/g),
  ].map(([, m, s]) => 60 * m + Number(s));
  return { seconds, cpuMs: 1000 * (spent[0] + spent[1]), rankMb };
}

/** The most memory that a rank process of ours has had so far: the kernel counts it. */
function peakOfRanks(outputDir) {
  let most = 0;
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      if (!readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("rank-process")) continue;
      if (!readdirSync(`/proc/${pid}/fd`).some((fd) => linkOf(`/proc/${pid}/fd/${fd}`).startsWith(outputDir)))
        continue;
      most = Math.max(
        most,
        Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024,
      );
    } catch {
      // It has ended.
    }
  }
  return most;
}

function linkOf(path) {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}

/**
 * sherpa-onnx-node on the same clips with the same graph. It reads no FLAC, so it gets our decoder. Its front end is another
 * one, and its embeddings differ.
 */
async function compareWithSherpa() {
  const version = "1.13.8";
  const home = join(root, ".cache", "bench");
  const place = join(home, "node_modules", "sherpa-onnx-node");
  if (!existsSync(place)) {
    mkdirSync(home, { recursive: true });
    const args = [
      "install",
      "--prefix",
      home,
      "--no-save",
      "--ignore-scripts",
      "--loglevel=error",
      `sherpa-onnx-node@${version}`,
    ];
    spawnSync("npm", args, { stdio: "ignore" });
  }
  if (!existsSync(place)) return console.log(`SKIPPED sherpa-onnx-node ${version}: npm could not install it`);
  const graph = join(folder, "sherpa.onnx");
  const metadata = {
    framework: "3d-speaker",
    language: "Chinese-English",
    output_dim: 192,
    sample_rate: 16000,
    normalize_samples: 1,
    feature_normalize_type: "global-mean",
  };
  writeFileSync(
    graph,
    Buffer.concat([
      readFileSync(bundledModel),
      ...Object.entries(metadata).map(([key, value]) => entry(key, String(value))),
    ]),
  );
  const audio = join(root, "dist", "src", "audio", "index.js");
  writeFileSync(join(folder, "sherpa.json"), JSON.stringify({ place, audio, graph, files }));
  const results = [1, 2].map((threads) => {
    const env = { ...process.env, LD_LIBRARY_PATH: join(home, "node_modules", "sherpa-onnx-linux-x64") };
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ["-e", sherpaProgram, join(folder, "sherpa.json"), String(threads)],
      { encoding: "utf8", env },
    );
    if (status !== 0) throw new Error(stderr);
    return JSON.parse(stdout.trim().split("\n").at(-1));
  });
  const [single] = results;
  const fastest = Math.min(...results.map(({ seconds }) => seconds));
  const rate = single.cpuMs / files.length;
  console.log(`sherpa-onnx-node ${version}, same ONNX file, same decoder`);
  row("1 thread, CPU-ms a clip", rate, `ours: ${(rate / full).toFixed(2)} x its rate; goal > 1`, full < rate);
  row("1 thread, seconds", single.seconds);
  row("2 threads, seconds", results[1].seconds);
  const ahead = fastest / median("warmTwo");
  row("our 2 ranks against its best on two cores", ahead, "x; goal >= 1.3", ahead >= 1.3);
}

/** One entry of a model's metadata in protobuf; appended to a graph's file it belongs to the graph. */
function entry(key, value) {
  const text = (field, content) => Buffer.concat([Buffer.from([(field << 3) | 2, content.length]), content]);
  return text(14, Buffer.concat([text(1, Buffer.from(key)), text(2, Buffer.from(value))]));
}
