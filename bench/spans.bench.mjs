// What embedding spans of one long recording costs, as a multiple of embedding the same spans from files of their own. Each
// is one rank on one thread; CPU seconds of the rank and of what starts it.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadAudio, scan } from "speakerscope";

const cli = join(import.meta.dirname, "../dist/src/cli/main.js");
const minutes = Number(process.env.MINUTES ?? 10);
const spanSeconds = 5;
const folder = mkdtempSync(join(tmpdir(), "speakerscope-bench-"));

function wav(samples) {
  const data = Int16Array.from(samples, (value) =>
    Math.max(-32768, Math.min(32767, Math.round(value * 32768))),
  );
  const head = Buffer.alloc(44);
  head.write("RIFF", 0);
  head.writeUInt32LE(36 + data.byteLength, 4);
  head.write("WAVEfmt ", 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(16000, 24);
  head.writeUInt32LE(32000, 28);
  head.writeUInt16LE(2, 32);
  head.writeUInt16LE(16, 34);
  head.write("data", 36);
  head.writeUInt32LE(data.byteLength, 40);
  return Buffer.concat([head, Buffer.from(data.buffer)]);
}

try {
  const { utterances } = await scan("data/speech");
  const length = minutes * 60 * 16000;
  const samples = new Float32Array(length);
  for (let at = 0, i = 0; at < length; i++) {
    const { samples: own } = await loadAudio(utterances[i % utterances.length].path);
    samples.set(own.subarray(0, length - at), at);
    at += own.length;
  }
  writeFileSync(join(folder, "long.wav"), wav(samples));
  const tool = spawnSync("ffmpeg", [
    "-v",
    "error",
    "-i",
    join(folder, "long.wav"),
    join(folder, "long.flac"),
  ]);
  mkdirSync(join(folder, "files", "d", "s"), { recursive: true });
  let table = "path,speaker,id,start,end\n";
  const count = Math.floor((minutes * 60) / spanSeconds);
  for (let i = 0; i < count; i++) {
    const [from, to] = [i * spanSeconds, (i + 1) * spanSeconds];
    table += `LONG,s,u${i},${from},${to}\n`;
    writeFileSync(
      join(folder, "files", "d", "s", `u${i}.wav`),
      wav(samples.subarray(from * 16000, to * 16000)),
    );
  }
  const cases = { files: ["--data_root", join(folder, "files")] };
  for (const ending of tool.status === 0 ? ["wav", "flac"] : ["wav"]) {
    writeFileSync(join(folder, `${ending}.csv`), table.replaceAll("LONG", `long.${ending}`));
    cases[`spans of ${ending.toUpperCase()}`] = ["--manifest", join(folder, `${ending}.csv`)];
  }
  let base;
  for (const [name, source] of Object.entries(cases)) {
    const args = [
      "extract",
      ...source,
      "--output_dir",
      join(folder, name),
      "--log_file",
      join(folder, "log"),
    ];
    const run = spawnSync(
      "bash",
      [
        "-c",
        'TIMEFORMAT="%U %S"; time "$0" "$@" >/dev/null',
        process.execPath,
        cli,
        ...args,
        "--num_ranks",
        "1",
        "--device",
        "cpu",
      ],
      { encoding: "utf8" },
    );
    if (run.status !== 0) throw new Error(run.stderr);
    const [user, system] = run.stderr.trim().split("\n").at(-1).split(" ").map(Number);
    base ??= user + system;
    console.log(
      `${name}: ${count} utterances, ${(user + system).toFixed(1)} s of CPU, ${((user + system) / base).toFixed(3)} times that from files`,
    );
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
