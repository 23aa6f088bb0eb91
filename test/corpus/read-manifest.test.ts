import { mkdirSync, readFileSync, symlinkSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { type ManifestOptions, readManifest } from "speakerscope";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { packageRoot } from "../../src/util/package-root.js";
import { put, temporaryFolder } from "../tiny.js";

process.chdir(packageRoot);
const manifests = "test/fixtures/manifests";

/** A folder with empty files of audio and a manifest. */
function written(name: string, text: string | Uint8Array, audio = ["a.wav", "b.wav", "c/d.wav"]): string {
  const folder = temporaryFolder();
  for (const file of audio) put(join(folder, file), "1");
  return put(join(folder, name), text);
}

const read = async (name: string, text: string | Uint8Array, options?: ManifestOptions) => {
  const path = written(name, text);
  const { utterances, failures, manifest } = await readManifest(path, options);
  const short = (sentence: string) => sentence.replaceAll(path, name).replaceAll(join(path, ".."), ".");
  return { utterances, notes: manifest!.notes, reasons: failures.map(({ reason }) => short(reason)) };
};

const messageOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "no error",
    (error: Error & { tag?: string }) => `${error.tag}: ${error.message}`,
  );

const lines = (...rows: object[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join("");

test("every format is told by its name and content", async () => {
  for (const [path, format, count] of [
    ["nemo.jsonl", "nemo", 16],
    ["validated.tsv", "tsv", 16],
    ["excel.csv", "csv", 28],
    ["paths.parquet", "parquet", 28],
    ["podcast.parquet", "parquet", 12],
    ["podcast-000000.tar", "webdataset", 7],
    ["studio_cuts.jsonl.gz", "lhotse", 16],
    ["kaldi", "kaldi", 16],
    ["kaldi/wav.scp", "kaldi", 16],
  ] as const) {
    const corpus = await readManifest(join(manifests, path));
    assert.equal(
      [corpus.manifest!.format, corpus.utterances.length, corpus.failures.length],
      [format, count, 0],
      path,
    );
  }
});

test("byte order marks, Windows line ends, quotes and other separators are understood", async () => {
  const { utterances, notes } = await readManifest(join(manifests, "excel.csv")).then((c) => ({
    ...c,
    ...c.manifest!,
  }));
  assert.equal(notes, ["Columns: path=file name, speaker=Speaker ID, dataset=corpus"]);
  assert.equal(utterances[0]!.fields, { remark: 'a; "b"\nc' });
  const tsv = await read("t.tsv", '\ufeffpath\tspeaker\r\na.wav\t"x\r\nb.wav\ty"\r\n');
  assert.equal(
    tsv.utterances.map(({ speakerId }) => speakerId),
    ['"x', 'y"'],
  );
  const packed = await read(
    "t.jsonl.gz",
    gzipSync(`\ufeff${lines({ path: "a.wav" }, { path: "b.wav" })}`.replaceAll("\n", "\r\n")),
  );
  assert.is(packed.utterances.length, 2);
});

test("names come from the path below what is common, data set and speaker, as in folders", async () => {
  const { utterances } = await read(
    "list.csv",
    "path,speaker\nx/s1/v1/1.wav,s1\nx/s1/v2/1.wav,s1\nx/s2/v1/1.wav,s2\n",
    {
      dataset: "x",
    },
  ).catch(() => ({ utterances: [] }));
  assert.equal(utterances, []);
  const path = written("list.csv", "path,speaker\nx/s1/v1/1.wav,s1\nx/s1/v2/1.wav,s1\nx/s2/v1/1.wav,s2\n", [
    "x/s1/v1/1.wav",
    "x/s1/v2/1.wav",
    "x/s2/v1/1.wav",
  ]);
  assert.equal(
    (await readManifest(path)).utterances.map(({ key }) => key),
    ["list_s1_v1/1", "list_s1_v2/1", "list_s2_v1/1"],
  );
});

test("NeMo's offset makes a span, and a duration alone does not", async () => {
  const { utterances } = await read(
    "n.jsonl",
    lines(
      { audio_filepath: "a.wav", duration: 2.5, speaker: "x" },
      { audio_filepath: "b.wav", offset: 1, duration: 2.5, speaker: "y" },
      { audio_filepath: "b.wav", offset: 4, duration: null, speaker: "y" },
    ),
  );
  assert.equal(
    utterances.map(({ speakerId, span, session, seconds }) => [speakerId, span, session, seconds]),
    [
      ["x", undefined, undefined, 2.5],
      ["y", { start: 1, end: 3.5 }, "b.wav", undefined],
      ["y", { start: 4 }, "b.wav", undefined],
    ],
  );
});

test("a bad line is a failure that names it, and the rest is read", async () => {
  const { utterances, reasons } = await read(
    "t.jsonl",
    `${lines({ path: "a.wav", start: 0, end: 1 })}{"path": "a.wav", "start": NaN, "end": 2}\nnonsense\n[1]\n` +
      lines(
        { path: "a.wav", start: -1, end: 2 },
        { path: "a.wav", start: 2, end: 2 },
        { path: "a.wav", start: 2, end: 1 },
        { speaker: "x" },
        { path: "gone.wav" },
        { path: "a.wav", start: 0.5, end: 1.5 },
        { path: "b.wav", speaker: ".." },
        { path: "b.wav", channel: -1 },
      ),
  );
  assert.equal(
    utterances.map(({ line }) => line),
    [1, 10],
  );
  assert.equal(reasons.sort(), [
    'Line 11 of t.jsonl has ".." as the name of its speaker, which no file can have.',
    "Line 12 of t.jsonl names the channel -1; channels are whole numbers from 0.",
    "Line 2 of t.jsonl has NaN as its start, which is no number.",
    'Line 3 of t.jsonl is not JSON: "nonsense".',
    "Line 4 of t.jsonl is [1], not an object.",
    "Line 5 of t.jsonl has a span that starts at -1 s, before the recording.",
    "Line 6 of t.jsonl has a span of no length: it starts at 2 s and ends at 2 s.",
    "Line 7 of t.jsonl has a span of no length: it starts at 2 s and ends at 1 s.",
    "Line 8 of t.jsonl has no path.",
    "There is no file ./gone.wav (line 9 of t.jsonl).",
  ]);
  const csv = await read("t.csv", "path,speaker\na.wav,x\nb.wav\nb.wav,y,z\n");
  assert.equal(csv.reasons, [
    "Line 3 of t.csv has 1 cell; the table has 2 columns.",
    "Line 4 of t.csv has 3 cells; the table has 2 columns.",
  ]);
});

test("whole numbers beyond 2^53 stay as they are, so that two speakers do not become one", async () => {
  const ids = ["9007199254740992", "9007199254740993", "12345678901234567890", "-9007199254740993"];
  const rows = ids.map(
    (id) => `{"path": "a.wav", "speaker": ${id}, "id": "\\"${id}", "n": ${id}, "x": 1.2345678901234567e2}\n`,
  );
  const { utterances } = await read("t.jsonl", rows.join(""));
  assert.equal(utterances.map(({ speakerId }) => speakerId).sort(), ids.toSorted());
  const second = utterances.find(({ speakerId }) => speakerId === ids[1])!;
  assert.equal(second.fields, { n: ids[1], x: 123.45678901234567 });
  assert.is(second.utteranceId, `"${ids[1]}`);
});

test("what pandas writes as Parquet is read to the last digit, and what JSON can hold of it is carried along", async () => {
  const { utterances } = await read("t.parquet", readFileSync(join(manifests, "types.parquet")));
  assert.equal(
    utterances.map(({ speakerId }) => speakerId),
    ["9007199254740992", "9007199254740993", "7"],
  );
  const facts = { room: 1, floor: "1152921504606846976" };
  // As the list of an extraction has them.
  assert.equal(JSON.parse(JSON.stringify(utterances.map(({ fields }) => fields))), [
    {
      age: 31,
      number: "9223372036854775807",
      when: "2020-01-01T00:00:00.000Z",
      level: -20.5,
      takes: [1, 2],
      facts,
      account: "9007199254740993",
      price: "1234567890123456.78",
    },
    {
      age: 32,
      number: 9007199254740991,
      when: "2020-01-02T03:04:05.678Z",
      takes: [],
      facts,
      account: "-100000000000000000000",
      price: 0.1,
    },
    { age: 33, number: -1, level: -23, takes: [3], facts, price: -2.5 },
  ]);
});

test("NaN, by which Python says that a value is missing, is no name and no field", async () => {
  const { utterances } = await read(
    "t.jsonl",
    '{"path": "a.wav", "speaker": NaN, "snr": 12.5, "text": "NaN"}\n' +
      '{"path": "b.wav", "speaker": "x", "snr": NaN, "peak": -Infinity, "text": "a \\" NaN"}\n',
  );
  assert.equal(
    utterances.map(({ speakerId, fields }) => [speakerId, fields]),
    [
      [null, { snr: 12.5, text: "NaN" }],
      ["x", { peak: "-Infinity", text: 'a " NaN' }],
    ],
  );
});

test("two columns of one name are an error, in Parquet too", async () => {
  const parquet = temporaryFolder();
  const { parquetWriteBuffer } = await import("hyparquet-writer");
  const columnData = ["path", "note", "note"].map((name) => ({ name, data: ["a.wav"] }));
  const path = put(join(parquet, "twice.parquet"), new Uint8Array(parquetWriteBuffer({ columnData })));
  assert.match(
    await messageOf(readManifest(path)),
    /invalid: .*twice\.parquet has two columns called "note"/,
  );
  assert.match(
    await messageOf(read("t.csv", "path,speaker,note, speaker\na.wav,x,,y\n")),
    /invalid: .*t\.csv has two columns called "speaker", so which one is meant is not clear/,
  );
  assert.is((await read("t.csv", ",path,speaker,\n0,a.wav,x,\n")).utterances.length, 1);
});

test("a cell of blanks is empty, and not the number 0", async () => {
  const { utterances } = await read("t.csv", "path,speaker,start,end,channel\na.wav,x, ,  ,\t\n");
  assert.equal([utterances[0]!.span, utterances[0]!.channel], [undefined, undefined]);
});

test("a path that cannot be looked at is a failure of its line alone", async () => {
  const name = "x".repeat(300);
  const path = written("odd.csv", `path\na.wav/below.wav\n${name}.wav\nloop.wav\nb.wav\n`);
  symlinkSync("loop.wav", join(path, "../loop.wav"));
  const { utterances, failures } = await readManifest(path);
  assert.equal(
    utterances.map(({ utteranceId }) => utteranceId),
    ["b"],
  );
  const reasons = failures.map(({ reason }) => reason).join("\n");
  for (const [code, line] of [
    ["ENOTDIR", 2],
    ["ENAMETOOLONG", 3],
    ["ELOOP", 4],
  ])
    assert.match(reasons, new RegExp(`cannot be read: ${code}.*\\(line ${line} of `));
});

test("two lines with one key are an error that names both, or get a suffix", async () => {
  const text = "path,speaker,id\na.wav,x,one\nb.wav,x,one\n";
  assert.match(
    await messageOf(read("t.csv", text)),
    /conflict: .*"t_x_one" would be that of both line 2 of .*t\.csv and line 3 of .*t\.csv/,
  );
  const { utterances } = await read("t.csv", text, { onCollision: "suffix" });
  assert.equal(
    utterances.map(({ key }) => key),
    ["t_x_one", "t_x_one~2"],
  );
});

test("one recording may be listed for two speakers, and ids are any Unicode", async () => {
  const { utterances } = await read("t.csv", "path,speaker,id\na.wav,Zoë,早 \na.wav,\u{1f399},early/late\n");
  assert.equal(
    utterances.map(({ key }) => key),
    ["t_Zoë_早 ", "t_\u{1f399}_early/late"],
  );
  assert.is(new Set(utterances.map(({ file }) => file)).size, 2);
});

test("paths of another machine are an error that says how to map them, and are mapped", async () => {
  const text = lines({ path: "/their/audio/a.wav" }, { path: "/their/audio/b.wav" });
  assert.match(
    await messageOf(read("t.jsonl", text)),
    /missing: None of the 2 files .* \/their\/audio\/a\.wav \(line 1 of .*--path_prefix OLD=NEW/,
  );
  const path = written("t.jsonl", text);
  const corpus = await readManifest(path, { pathPrefix: ["/their/audio", join(path, "..")] });
  assert.equal(
    corpus.utterances.map(({ file }) => file),
    ["/their/audio/a.wav", "/their/audio/b.wav"],
  );
  const windows = written("w.csv", "path\nD:\\corpus\\a.wav\nD:\\corpus\\c\\d.wav\n");
  assert.is(
    (await readManifest(windows, { pathPrefix: ["D:/corpus", join(windows, "..")] })).utterances.length,
    2,
  );
  assert.match(
    await messageOf(read("t.csv", "path\ns3://bucket/a.wav\n")),
    /What begins with s3: is not on this machine/,
  );
});

test("columns can be named, and missing ones are an error that lists those that are there", async () => {
  const text = "who,where\nx,a.wav\n";
  assert.match(
    await messageOf(read("t.csv", text)),
    /missing: .*has no column with the path.*Its columns are who, where: give --columns path=NAME/,
  );
  assert.match(
    await messageOf(read("t.csv", text, { columns: { path: "nowhere" } })),
    /unknown: .*no column "nowhere"/,
  );
  const { utterances } = await read("t.csv", text, { columns: { path: "where", speaker: "who" } });
  assert.is(utterances[0]!.key, "t_x_a");
});

test("a column that is there twice is an error, and a cell of blanks is empty", async () => {
  const twice = written("twice.csv", "path,speaker,speaker\na.wav,anna,berta\n");
  for (const columns of [undefined, { speaker: "speaker" }])
    assert.match(await messageOf(readManifest(twice, { columns })), /twice\.csv has two columns .*"speaker"/);
  const { utterances } = await read("other.csv", "path,name\na.wav,anna\nb.wav,  \n", {
    columns: { speaker: "name" },
  });
  assert.equal(
    utterances.map(({ speakerId }) => speakerId),
    ["anna", null],
  );
});

test("a Kaldi directory says what of it is wrong, by file and line", async () => {
  assert.match(
    await messageOf(readManifest(join(manifests, "kaldi-pipes"))),
    /unsupported: Line 1 of .*wav\.scp is a command .*Write the audio to files first/,
  );
  const folder = temporaryFolder();
  put(join(folder, "a.wav"), "1");
  put(join(folder, "wav.scp"), `rec ${join(folder, "a.wav")}\nlone\n`);
  put(join(folder, "utt2spk"), "u1 s\n");
  put(join(folder, "segments"), "u1 rec 0.5 -1\nu2 rec 1\nu3 other 0 1\nu4 rec 1 2 B\n");
  const { utterances, failures } = await readManifest(folder);
  assert.equal(
    utterances.map(({ utteranceId, speakerId, span, channel }) => [utteranceId, speakerId, span, channel]),
    [
      ["u1", "s", { start: 0.5 }, undefined],
      ["u4", null, { start: 1, end: 2 }, 1],
    ],
  );
  assert.equal(failures.map(({ reason }) => reason.replaceAll(folder, "")).sort(), [
    'Line 2 of /segments is not "utterance recording start end": `u2 rec 1`.',
    "Line 2 of /wav.scp has no path: `lone`.",
    "Line 3 of /segments names the recording other, which /wav.scp does not have.",
  ]);
  put(join(folder, "utt2spk"), "u1 s\nu1 s\nu1 t\n");
  assert.match(
    await messageOf(readManifest(folder)),
    /conflict: Line 3 of .*utt2spk gives "u1" "t", and an earlier line "s"/,
  );
});

test("a Kaldi directory says whom utt2spk does not know, and which recording is listed twice", async () => {
  const folder = temporaryFolder();
  const [a, b] = ["a.wav", "b.wav"].map((name) => put(join(folder, name), "1"));
  const warningsOf = async () =>
    (await readManifest(folder)).warnings.map((warning) => warning.replaceAll(folder, ""));
  put(join(folder, "wav.scp"), `u1 ${a}\nu2 ${b}\n`);
  assert.equal((await readManifest(folder)).manifest!.notes, [
    "There is no utt2spk: the speakers are unknown",
  ]);
  put(join(folder, "utt2spk"), "u1 s\n");
  assert.equal(await warningsOf(), ['1 utterance is not in /utt2spk, such as "u2": its speaker is unknown']);
  put(join(folder, "segments"), "x u1 0 1\ny u1 1 2\nu1 u2 0 1\n");
  assert.equal(await warningsOf(), [
    '2 utterances are not in /utt2spk, such as "x": their speakers are unknown',
  ]);
  put(join(folder, "wav.scp"), `u1 ${a}\nu2 ${b}\nu1 ${b}\n`);
  assert.match(
    await messageOf(readManifest(folder)),
    /conflict: Line 3 of .*wav\.scp gives "u1" ".*b\.wav", and an earlier line ".*a\.wav"/,
  );
});

test("Lhotse's recordings and supervisions find each other, and cuts that have no audio are failures", async () => {
  const source = (path: string, channels = [0]) => ({ type: "file", channels, source: path });
  const recording = {
    id: "r",
    sources: [source("a.wav", [0, 1])],
    sampling_rate: 16000,
    num_samples: 64000,
    duration: 4,
  };
  const path = written(
    "x_recordings.jsonl",
    lines(recording, { ...recording, id: "p", sources: [{ type: "command", channels: [0], source: "cat" }] }),
  );
  assert.is((await readManifest(path)).utterances[0]!.speakerId, null);
  put(
    join(path, "..", "x_supervisions.jsonl"),
    lines(
      {
        id: "s1",
        recording_id: "r",
        start: 1,
        duration: 2,
        channel: 1,
        speaker: "ann",
        custom: { room: "b" },
      },
      { id: "s2", recording_id: "r", start: 0, duration: 4, channel: [0, 1], speaker: "ben" },
      { id: "s3", recording_id: "q", start: 0, duration: 4, channel: 0, speaker: "ben" },
      { id: "s4", recording_id: "p", start: 0, duration: 4, channel: 0, speaker: "ben" },
    ),
  );
  for (const one of [path, path.replace("recordings", "supervisions")]) {
    const { utterances, failures } = await readManifest(one);
    assert.equal(
      utterances.map(({ key, span, channel, session, fields }) => [key, span, channel, session, fields]),
      [
        ["x_ben_s2", undefined, undefined, "r", {}],
        ["x_ann_s1", { start: 1, end: 3 }, 1, "r", { room: "b" }],
      ],
    );
    assert.is(failures.length, 2);
  }
  const cuts = await read(
    "c.jsonl",
    lines(
      { id: "c", start: 0, duration: 1, channel: 0, type: "MixedCut", supervisions: [] },
      { id: "d", start: 1, duration: 2, channel: 0, type: "MonoCut", supervisions: [], recording },
    ),
  );
  assert.equal(
    cuts.utterances.map(({ utteranceId, channel, span }) => [utteranceId, channel, span]),
    [["d", 0, { start: 1, end: 3 }]],
  );
  assert.match(cuts.reasons[0]!, /Line 1 of c\.jsonl is a "MixedCut"/);
});

test("a tar that is cut off gives what is whole, and a failure that says where", async () => {
  const bytes = readFileSync(join(manifests, "podcast-000000.tar"));
  const folder = temporaryFolder();
  const path = put(join(folder, "s.tar"), bytes);
  truncateSync(path, 40_000);
  const { utterances, failures } = await readManifest(path);
  assert.ok(utterances.length >= 2 && utterances.length < 7);
  assert.match(
    failures.map(({ reason }) => reason).join(),
    /s\.tar is damaged: it is cut off in caller-.*opus: \d+ of its \d+ bytes are there/,
  );
  put(path, Buffer.concat([bytes.subarray(0, 512), Buffer.alloc(20_000, 1)]));
  assert.match(await messageOf(readManifest(path)), /damaged: there is no header of a file at byte 1024/);
});

test("what is no manifest is an error that says what was expected", async () => {
  assert.match(await messageOf(readManifest("nowhere.csv")), /missing: .*nowhere\.csv does not exist/);
  assert.match(await messageOf(read("t.txt", "a\n")), /unknown: What kind of manifest .* Give --format/);
  assert.match(await messageOf(read("t.csv", "")), /empty/);
  assert.match(await messageOf(read("t.jsonl", "nothing\n")), /no line that is a JSON object/);
  assert.match(await messageOf(read("t.csv", Buffer.from("\ufeffpath\n", "utf16le"))), /invalid: .*UTF-16/);
  assert.match(
    await messageOf(read("t.parquet", "PAR1 nonsense")),
    /invalid: .*t\.parquet cannot be read as Parquet/,
  );
  assert.match(
    await messageOf(read("t.csv", 'path\n"a.wav\n')),
    /invalid: .*t\.csv cannot be read as a table/,
  );
  const folder = temporaryFolder();
  mkdirSync(join(folder, "empty"));
  assert.match(await messageOf(readManifest(join(folder, "empty"))), /Give --format/);
});

test("a manifest in another encoding is an error that names the line, for it would give other names", async () => {
  const latin = (text: string) => Buffer.from(text, "latin1");
  for (const [name, bytes] of [
    ["t.csv", latin("path,speaker\na.wav,Anna\nb.wav,M\xfcller\n")],
    ["t.tsv", latin("path\tspeaker\na.wav\tAnna\nb.wav\tM\xf6ller\n")],
    ["t.jsonl", latin('{"path":"a.wav"}\n\n{"path":"b.wav","speaker":"M\xfcller"}\n')],
    ["t.csv.gz", gzipSync(latin("path,speaker\na.wav,Anna\nb.wav,M\xfcller"))],
    // A character that is cut off where the file ends.
    ["wav.scp", latin("u1 a.wav\nu2 b.wav\nu3 c/\xc3")],
  ] as const)
    assert.match(
      await messageOf(read(name, bytes)),
      /^invalid: The \S+( file)? \S+ is not UTF-8 text: see line 3\. Save it as UTF-8\.$/,
      name,
    );
  const { utterances } = await read(
    "t.csv",
    `path,speaker\na.wav,${"ü\u{1f600}".repeat(100_000)}\nb.wav,Möller\n`,
  );
  assert.equal([utterances[0]!.speakerId!.length, utterances[1]!.speakerId], [300_000, "Möller"]);
});

test("a line without end is an error, also in a small file that unfolds to it", async () => {
  const zeros = gzipSync(Buffer.alloc(70 << 20, 0x20), { level: 1 });
  for (const name of ["t.jsonl.gz", "t.csv.gz"])
    assert.match(await messageOf(read(name, zeros)), /Line 1 of \S+ is longer than 67108864 bytes/, name);
});

test("a length below zero is not known", async () => {
  const { utterances } = await read("t.csv", "path,duration\na.wav,-1\nb.wav,2.5\n");
  assert.equal(
    utterances.map(({ seconds }) => seconds),
    [undefined, 2.5],
  );
});

test.run();
