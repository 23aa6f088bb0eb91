// Similarity beside its peers: CPU-seconds and peak memory, each job in a process of its own, in turn.
//   node bench/run.mjs similarity [-- n ...]
// Peers: python3 -m venv X && X/bin/pip install -r bench/requirements.txt, then BENCH_PYTHON=X/bin/python.
import { spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const require = createRequire(import.meta.url);
const here = dirname(fileURLToPath(import.meta.url));
const { npyHeader } = require("../dist/src/format/npy.js");
const python = process.env.BENCH_PYTHON ?? "python3";
const sizes = (process.env.BENCH_SIZES ?? "5704,20000,40000").split(",").map(Number);
const dimension = 192;
// Settings of OpenBLAS, which FAISS uses, would make its numbers another machine's.
const { OPENBLAS_CORETYPE: _core, OPENBLAS_L2_SIZE: _cache, ...env } = process.env;
const folder = mkdtempSync(join(tmpdir(), "similarity-bench-"));

const ours = (job, backend) => [process.execPath, [join(here, "similarity-run.mjs"), job], [backend]];
const peer = (job) => [python, [join(here, "similarity_peers.py"), job], []];
const jobs = [
  ["onnx: statistics, histogram, pairs", ours("statistics", "onnx"), () => true],
  ["onnx: the same and top 20", ours("top-20", "onnx"), () => true],
  ["tensorflow: the same and top 20", ours("top-20", "tensorflow"), () => true],
  ["onnx: whole stage with files", ours("stage", "onnx"), (n) => n <= 20_000],
  ["numpy, bare n x n matrix product", peer("numpy_matmul"), () => true],
  ["numpy, blocked, without median and top 20", peer("numpy_statistics"), (n) => n <= 20_000],
  ["FAISS IndexFlatIP, top 20 alone", peer("faiss_top20"), () => true],
  ["FAISS IndexFlatIP, pairs >= 0.8 alone", peer("faiss_range"), () => true],
  ["scikit-learn, pair loop, JSON (the original)", peer("original"), (n) => n <= 6_000],
];

try {
  for (const n of sizes) {
    const path = writeVectors(n);
    console.log(`\nn = ${n}, d = ${dimension}\n${"".padEnd(48)}  CPU s   wall s  peak MB`);
    for (const [name, [command, args, rest], wanted] of jobs) {
      if (!wanted(n)) continue;
      const { status, stdout, stderr } = spawnSync(command, [...args, path, ...rest], {
        encoding: "utf8",
        maxBuffer: 1 << 26,
        env,
      });
      if (status !== 0) {
        console.log(`${name.padEnd(48)}  SKIPPED ${stderr.trim().split("\n").at(-1)}`);
        continue;
      }
      const { cpu, wall, peak } = JSON.parse(stdout.trim().split("\n").at(-1));
      const numbers = [cpu.toFixed(2), wall.toFixed(2), peak.toFixed(0)].map((text) => text.padStart(8));
      console.log(`${name.padEnd(46)}${numbers.join(" ")}`);
    }
  }
} finally {
  rmSync(folder, { recursive: true });
}

/** Vectors as speaker models give them: similarities around 0.1, and a pair above 0.8 now and then. */
function writeVectors(n) {
  const path = join(folder, `${n}.npy`);
  const file = openSync(path, "w");
  writeSync(file, npyHeader("float32", [n, dimension]));
  let state = 1;
  const next = () => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return state / 0x7fffffff;
  };
  let before = new Float32Array(dimension);
  for (let i = 0; i < n; i++) {
    const repeated = i % 500 === 499;
    const row = Float32Array.from({ length: dimension }, (_, k) =>
      repeated ? before[k] + 0.3 * (next() - 0.5) : next() + next() + next() - 1.5 + 0.2 * Math.sin(k),
    );
    writeSync(file, new Uint8Array(row.buffer));
    before = row;
  }
  closeSync(file);
  return path;
}
