import { join } from "node:path";
import { type Corpus, scan } from "speakerscope";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { put, temporaryFolder } from "../tiny.js";

/** A corpus of empty files. */
function corpusOf(...files: string[]): string {
  const root = temporaryFolder("corpus");
  for (const file of files) put(join(root, file), "1");
  return root;
}

const names = ({ utterances }: Corpus) =>
  utterances.map(({ dataset, speakerId, session, utteranceId }) => [
    dataset,
    speakerId,
    session,
    utteranceId,
  ]);

const messageOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "no error",
    (error: Error) => error.message,
  );

test("a pattern says where the names stand, in any order and depth", async () => {
  const root = corpusOf("en/s1/raw/day1/a.wav", "de/s2/raw/day2/b.wav", "stray.wav");
  const corpus = await scan(root, {
    layout: "{language}/{speaker}/{_}/{session}/{utterance}",
    dataset: "news",
  });
  assert.equal(names(corpus), [
    ["news", "s2", "day2", "day2/b"],
    ["news", "s1", "day1", "day1/a"],
  ]);
  assert.equal(corpus.utterances[0]!.fields, { language: "de" });
  assert.match(
    corpus.warnings.join(),
    /1 audio files do not fit the layout and are left out, such as stray\.wav/,
  );
});

test("speaker, session and data set can stand in the name of the file, by pattern or regular expression", async () => {
  const root = corpusOf("lab/s1-m2-01.wav", "lab/s1-m3-01.wav");
  const expected = [
    ["lab", "s1", "m2", "m2/01"],
    ["lab", "s1", "m3", "m3/01"],
  ];
  assert.equal(names(await scan(root, { layout: "{dataset}/{speaker}-{session}-{utterance}" })), expected);
  const layout = "^(?<dataset>\\w+)/(?<speaker>s\\d+)-(?<session>m\\d)-(?<utterance>.*)$";
  assert.equal(names(await scan(root, { layout })), expected);
});

test("without a data set in the layout it is the folder's name, and without a speaker nobody is known", async () => {
  const root = corpusOf("flat/a.wav", "flat/b.wav");
  assert.equal(names(await scan(join(root, "flat"), { layout: "flat" })), [
    ["flat", null, undefined, "a"],
    ["flat", null, undefined, "b"],
  ]);
  assert.equal((await scan(join(root, "flat"), { layout: "flat" })).utterances[0]!.key, "flat__a");
});

test("a layout that cannot be understood is an error that names it", async () => {
  const root = corpusOf("a/b/c.wav");
  assert.match(await messageOf(scan(root, { layout: "{speaker}/{ut ter}" })), /\{ut ter\}.*which is no name/);
  assert.match(await messageOf(scan(root, { layout: "speakers" })), /names nothing/);
  assert.match(
    await messageOf(scan(root, { layout: "{speker}/{utterance}" })),
    /has \{speker\}\. Did you mean \{speaker\}\?/,
  );
  assert.match(await messageOf(scan(root, { layout: "^(?<speaker>" })), /no regular expression/);
});

const corpora = {
  librispeech: {
    files: ["533/1066/533-1066-0000.flac", "533/1067/533-1067-0000.flac", "367/1/367-1-0000.flac"],
    above: "test-other",
    first: ["367", "1", "1/367-1-0000"],
    name: "LibriSpeech",
  },
  voxceleb: {
    files: ["id10001/aaa/00001.wav", "id10001/bbb/00001.wav", "id10002/ccc/00001.wav"],
    above: "vox1",
    first: ["id10001", "aaa", "aaa/00001"],
    name: "VoxCeleb",
  },
} as const;

for (const [preset, { files, above, first, name }] of Object.entries(corpora)) {
  test(`${name} at the usual level has no warning, and the preset the same speakers`, async () => {
    const root = corpusOf(...files.map((file) => `${above}/${file}`));
    const plain = await scan(root);
    assert.equal(plain.warnings, []);
    const corpus = await scan(root, { layout: preset });
    assert.equal(names(corpus)[0], [above, ...first]);
    assert.equal(
      corpus.utterances.map(({ key }) => key),
      plain.utterances.map(({ key }) => key),
    );
  });

  test(`${name} one level too low or too high proposes its preset, which reads it`, async () => {
    const root = corpusOf(...files.map((file) => `top/${above}/${file}`));
    for (const folder of [join(root, "top", above), root]) {
      const { warnings } = await scan(folder);
      assert.is(warnings.length, 1);
      assert.match(
        warnings[0]!,
        new RegExp(`looks like ${name}.*speaker of .* is "${first[0]}".*--layout ${preset}`),
      );
      assert.equal(names(await scan(folder, { layout: preset }))[0]!.slice(1), first);
    }
  });
}

test("VCTK and AISHELL are read from the folders that they come in", async () => {
  const vctk = corpusOf(
    "wav48_silence_trimmed/p225/p225_001_mic1.flac",
    "wav48_silence_trimmed/s5/s5_002_mic2.flac",
  );
  assert.equal(names(await scan(vctk, { layout: "vctk" })), [
    ["wav48_silence_trimmed", "p225", "001", "001/mic1"],
    ["wav48_silence_trimmed", "s5", "002", "002/mic2"],
  ]);
  assert.match(await messageOf(scan(join(vctk, "wav48_silence_trimmed"))), /as in VCTK: give --layout vctk/);
  const aishell = corpusOf("wav/train/S0002/BAC009S0002W0122.wav", "wav/test/S0764/BAC009S0764W0121.wav");
  assert.equal(names(await scan(aishell, { layout: "aishell" })), [
    ["test", "S0764", undefined, "BAC009S0764W0121"],
    ["train", "S0002", undefined, "BAC009S0002W0122"],
  ]);
  assert.match((await scan(aishell)).warnings.join(), /looks like AISHELL/);
});

test("speakers that were taken for data sets are hinted at, and a usual corpus is not", async () => {
  const low = corpusOf("ann/day1/a.wav", "ann/day2/b.wav", "ben/day1/a.wav", "cat/day4/a.wav");
  assert.match(
    (await scan(low)).warnings.join(),
    /most of the 3 data sets hold only a few speakers.*"ann".*--layout/,
  );
  const usual = corpusOf("x/s1/a.wav", "x/s2/a.wav", "x/s3/a.wav", "y/s1/a.wav", "y/s2/a.wav", "y/s4/a.wav");
  assert.equal((await scan(usual)).warnings, []);
  const sessions = corpusOf("x/s1/d1/a.wav", "x/s2/d1/a.wav", "x/s3/d1/a.wav", "x/s3/d2/a.wav");
  assert.equal((await scan(sessions)).warnings, []);
});

test("audio at another depth proposes the pattern that fits", async () => {
  const root = corpusOf("s1/a.wav", "s2/b.wav");
  assert.match(
    await messageOf(scan(root)),
    /give the folder above it, or --layout "\{speaker\}\/\{utterance\}"/,
  );
  assert.match(
    await messageOf(scan(join(root, "s1"))),
    /--layout "\{speaker\}-\{utterance\}"; or --layout flat/,
  );
});

test.run();
