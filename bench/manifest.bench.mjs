// How long a manifest of a million lines takes to be planned, and how much memory, in every format: spans of 10,000 recordings
// with a text each. WebDataset has a file for each utterance, so its lines are samples. Everything is written to a temporary
// folder first.
import { spawnSync } from "node:child_process";
import {
  appendFileSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { parquetWriteFile } from "hyparquet-writer";

const lines = Number(process.env.LINES ?? 1_000_000);
const recordings = Math.max(1, Math.round(lines / 100));
const which = process.argv[2];
const folder = mkdtempSync(join(tmpdir(), "speakerscope-bench-"));

const recordingName = (index) => `rec-${String(index).padStart(6, "0")}`;

function* rows() {
  for (let i = 0; i < lines; i++) {
    const start = Math.floor(i / recordings) * 12.5;
    yield {
      i,
      recording: recordingName(i % recordings),
      speaker: `spk${i % 7919}`,
      start,
      end: start + 9.75,
      text: `the words of utterance number ${i}`,
    };
  }
}

/** Pieces of gzip one behind the other are gzip. */
function write(path, line, source = rows(), head = "") {
  let text = head;
  writeFileSync(path, "");
  const flush = () => {
    appendFileSync(path, path.endsWith(".gz") ? gzipSync(text, { level: 1 }) : text);
    text = "";
  };
  for (const row of source) {
    text += line(row);
    if (text.length >= 1 << 22) flush();
  }
  flush();
  return path;
}

const json = (row) => `${JSON.stringify(row)}\n`;
const path = (name) => join(folder, name);
const audio = (recording) => `audio/${recording}.flac`;

const lhotseRecording = (id) => ({
  id,
  sources: [{ type: "file", channels: [0], source: path(audio(id)) }],
  sampling_rate: 16000,
  num_samples: 20_000_000,
  duration: 1250,
});
const supervision = ({ i, recording, speaker, start, end, text }) => ({
  id: `utt-${i}`,
  recording_id: recording,
  start,
  duration: end - start,
  channel: 0,
  text,
  language: "en",
  speaker,
});

const makers = {
  nemo: () =>
    write(path("train.jsonl"), ({ recording, speaker, start, text }) =>
      json({ audio_filepath: audio(recording), offset: start, duration: 9.75, speaker, text, lang: "en" }),
    ),
  kaldi() {
    const own = path("kaldi");
    mkdirSync(own);
    write(join(own, "segments"), ({ i, recording, start, end }) => `utt-${i} ${recording} ${start} ${end}\n`);
    write(join(own, "utt2spk"), ({ i, speaker }) => `utt-${i} ${speaker}\n`);
    write(join(own, "text"), ({ i, text }) => `utt-${i} ${text}\n`);
    write(
      join(own, "wav.scp"),
      (index) => `${recordingName(index)} ${path(audio(recordingName(index)))}\n`,
      Array(recordings).keys(),
    );
    return own;
  },
  cuts: () =>
    write(path("cuts.jsonl.gz"), (row) => {
      const { i, recording, start, end } = row;
      const own = { ...supervision(row), start: 0 };
      const cut = { id: `utt-${i}`, start, duration: end - start, channel: 0, supervisions: [own] };
      return json({ ...cut, recording: lhotseRecording(recording), type: "MonoCut" });
    }),
  supervisions() {
    write(
      path("x_recordings.jsonl"),
      (index) => json(lhotseRecording(recordingName(index))),
      Array(recordings).keys(),
    );
    return write(path("x_supervisions.jsonl"), (row) => json(supervision(row)));
  },
  csv: () =>
    write(
      path("table.csv"),
      ({ i, recording, speaker, start, end, text }) =>
        `${audio(recording)},${speaker},utt-${i},${start},${end},"${text}"\n`,
      rows(),
      "path,speaker,id,start,end,text\n",
    ),
  parquet() {
    const columns = { path: [], speaker: [], id: [], start: [], end: [], text: [] };
    for (const { i, recording, speaker, start, end, text } of rows()) {
      columns.path.push(audio(recording));
      columns.speaker.push(speaker);
      columns.id.push(`utt-${i}`);
      columns.start.push(start);
      columns.end.push(end);
      columns.text.push(text);
    }
    const columnData = Object.entries(columns).map(([name, data]) => ({
      name,
      data,
      type: typeof data[0] === "number" ? "DOUBLE" : "STRING",
    }));
    parquetWriteFile({ filename: path("table.parquet"), columnData, rowGroupSize: 100_000 });
    return path("table.parquet");
  },
  webdataset() {
    const file = openSync(path("shard.tar"), "w");
    const member = (name, text) => {
      const head = Buffer.alloc(512);
      head.write(name, 0);
      head.write("0000644\0", 100);
      head.write(`${text.length.toString(8).padStart(11, "0")}\0`, 124);
      head.write("00000000000\0", 136);
      head.write("        0", 148);
      head.write("ustar\x0000", 257);
      const sum = head.reduce((total, byte) => total + byte, 0);
      head.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
      return [head, Buffer.from(text.padEnd(512, "\0"))];
    };
    let held = [];
    for (const { i, speaker, text } of rows()) {
      held.push(
        ...member(`utt-${i}.wav`, "x"),
        ...member(`utt-${i}.json`, JSON.stringify({ speaker, text })),
      );
      if (held.length < 8192) continue;
      writeSync(file, Buffer.concat(held));
      held = [];
    }
    writeSync(file, Buffer.concat([...held, Buffer.alloc(1024)]));
    closeSync(file);
    return path("shard.tar");
  },
};

try {
  mkdirSync(path("audio"));
  for (let r = 0; r < recordings; r++) writeFileSync(path(audio(recordingName(r))), "x");
  for (const [name, make] of Object.entries(makers)) {
    if (which !== undefined && which !== name) continue;
    const manifest = make();
    // A process of its own, so that memory is that of the reading alone.
    const code = `
      const { readManifest } = require("speakerscope");
      const start = performance.now();
      readManifest(${JSON.stringify(manifest)}).then(({ utterances, failures }) => {
        const seconds = (performance.now() - start) / 1000;
        console.log(
          "${name}: " + utterances.length + " utterances, " + failures.length + " failures, " + seconds.toFixed(1) + " s, " +
            (process.cpuUsage().user / 1e6).toFixed(1) + " s of CPU, " + (process.resourceUsage().maxRSS / 1024).toFixed(0) + " MiB at most",
        );
      });`;
    spawnSync(process.execPath, ["-e", code], { stdio: "inherit" });
    rmSync(manifest, { recursive: true, force: true });
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
