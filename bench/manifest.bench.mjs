// How long a manifest of a million lines takes to be planned, and how much memory: spans of 10,000 recordings as NeMo's JSONL,
// and as a Kaldi directory. Both are written to a temporary folder first.
import { spawnSync } from "node:child_process";
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const lines = Number(process.env.LINES ?? 1_000_000);
const recordings = Math.max(1, Math.round(lines / 100));
const which = process.argv[2];
const folder = mkdtempSync(join(tmpdir(), "speakerscope-bench-"));

function* rows() {
  for (let i = 0; i < lines; i++) {
    const recording = i % recordings;
    const start = Math.floor(i / recordings) * 12.5;
    yield {
      i,
      recording: `rec-${String(recording).padStart(6, "0")}`,
      speaker: `spk${i % 7919}`,
      start,
      end: start + 9.75,
    };
  }
}

function write(path, line) {
  let text = "";
  writeFileSync(path, "");
  for (const row of rows()) {
    text += line(row);
    if (text.length < 1 << 22) continue;
    appendFileSync(path, text);
    text = "";
  }
  appendFileSync(path, text);
}

try {
  mkdirSync(join(folder, "audio"));
  for (let r = 0; r < recordings; r++)
    writeFileSync(join(folder, "audio", `rec-${String(r).padStart(6, "0")}.flac`), "x");
  const makers = {
    nemo() {
      const path = join(folder, "train.jsonl");
      write(
        path,
        ({ i, recording, speaker, start }) =>
          `${JSON.stringify({ audio_filepath: `audio/${recording}.flac`, offset: start, duration: 9.75, speaker, text: `the words of utterance number ${i}`, lang: "en" })}\n`,
      );
      return path;
    },
    kaldi() {
      const path = join(folder, "kaldi");
      mkdirSync(path);
      write(
        join(path, "segments"),
        ({ i, recording, start, end }) => `utt-${i} ${recording} ${start} ${end}\n`,
      );
      write(join(path, "utt2spk"), ({ i, speaker }) => `utt-${i} ${speaker}\n`);
      write(join(path, "text"), ({ i }) => `utt-${i} the words of utterance number ${i}\n`);
      let scp = "";
      for (let r = 0; r < recordings; r++) {
        const name = `rec-${String(r).padStart(6, "0")}`;
        scp += `${name} ${join(folder, "audio", `${name}.flac`)}\n`;
      }
      writeFileSync(join(path, "wav.scp"), scp);
      return path;
    },
  };
  for (const [name, make] of Object.entries(makers)) {
    if (which !== undefined && which !== name) continue;
    const path = make();
    // A process of its own, so that memory is that of the reading alone.
    const code = `
      const { readManifest } = require("speakerscope");
      const start = performance.now();
      readManifest(${JSON.stringify(path)}).then(({ utterances, failures }) => {
        const seconds = (performance.now() - start) / 1000;
        console.log(
          "${name}: " + utterances.length + " utterances, " + failures.length + " failures, " + seconds.toFixed(1) + " s, " +
            (process.cpuUsage().user / 1e6).toFixed(1) + " s of CPU, " + (process.resourceUsage().maxRSS / 1024).toFixed(0) + " MiB at most",
        );
      });`;
    spawnSync(process.execPath, ["-e", code], { stdio: "inherit" });
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
