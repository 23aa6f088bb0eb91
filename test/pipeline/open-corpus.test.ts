import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type CorpusSettings, checkCorpusSettings, openCorpus } from "../../src/pipeline/open-corpus.js";
import { openWorkspace } from "../../src/pipeline/open-workspace.js";
import { speakerscope } from "../cli.js";
import { put, temporaryFolder, wav } from "../tiny.js";

const manifests = join(__dirname, "../fixtures/manifests");
const folder = temporaryFolder();
const sound = wav([new Float32Array(1600)]);
for (const path of ["anna/one.wav", "ben/two.wav"]) put(join(folder, "wav", path), sound);
const table = put(
  join(folder, "list.txt"),
  "who,where,speaker\nanna,/their/wav/anna/one.wav,x\nben,/their/wav/ben/two.wav,x\n",
);
const names = async (settings: CorpusSettings) =>
  (await openCorpus(settings)).utterances.map(({ key }) => key).sort();
const message = (settings: CorpusSettings) =>
  openCorpus(settings).then(
    () => "",
    (error: Error) => error.message,
  );
const list = {
  manifest: table,
  format: "csv",
  columns: "speaker=who,path=where",
  pathPrefix: `/their/wav=${join(folder, "wav")}`,
};

test("a manifest is read by --format, --columns, --path_prefix and --dataset", async () => {
  assert.equal(await names({ ...list, dataset: "d" }), ["d_anna_one", "d_ben_two"]);
  assert.equal((await openCorpus({ ...list, dataset: "d" })).warnings, []);
  assert.match(await message({ ...list, format: undefined }), /does not show in its name\. Give --format/);
  assert.match(await message({ ...list, pathPrefix: "/their/wav" }), /Write OLD=NEW/);
  assert.match(await message({ ...list, columns: "who" }), /Write role=name/);
  assert.match(await message({ ...list, columns: "speaker=whom" }), /no column "whom"/);
});

test("a folder is read by --layout and --dataset", async () => {
  const settings = { dataRoot: join(folder, "wav"), layout: "{speaker}/{utterance}" };
  assert.equal(await names(settings), ["wav_anna_one", "wav_ben_two"]);
  assert.equal(await names({ ...settings, dataset: "d" }), ["d_anna_one", "d_ben_two"]);
});

test("what cannot take effect is an error or a warning", async () => {
  const check = (settings: CorpusSettings) => {
    try {
      checkCorpusSettings(settings);
      return "";
    } catch (error) {
      return (error as Error).message;
    }
  };
  assert.match(check({ dataRoot: "a", manifest: "b" }), /Both --data_root a and --manifest b are given/);
  assert.match(
    check({ manifest: "b", layout: "flat" }),
    /--layout is about folders, and --manifest is given/,
  );
  for (const [name, flag] of [
    ["format", "--format"],
    ["columns", "--columns"],
    ["pathPrefix", "--path_prefix"],
  ])
    assert.match(
      check({ dataRoot: "a", [name!]: "x=y" }),
      new RegExp(`^${flag} is about a manifest, and none is given`),
    );
  assert.match(
    await message({ manifest: join(manifests, "kaldi"), columns: "speaker=who" }),
    /is read as kaldi, which has no columns to choose/,
  );
  const { warnings } = await openCorpus({
    manifest: join(manifests, "excel.csv"),
    dataset: "mine",
    pathPrefix: "/nowhere=/here",
  });
  assert.match(
    warnings.join("\n"),
    /--dataset mine has no effect, because every utterance has a data set already/,
  );
  assert.match(warnings.join("\n"), /--path_prefix \/nowhere=\/here has no effect, because no path/);
});

test("notebooks take the same from SPEAKERSCOPE_*, which options go before", async () => {
  const set = {
    SPEAKERSCOPE_MANIFEST: list.manifest,
    SPEAKERSCOPE_FORMAT: list.format,
    SPEAKERSCOPE_COLUMNS: list.columns,
    SPEAKERSCOPE_PATH_PREFIX: list.pathPrefix,
    SPEAKERSCOPE_DATASET: "outside",
  };
  try {
    Object.assign(process.env, set);
    assert.equal(await names(openWorkspace({ resultsDir: folder })), ["outside_anna_one", "outside_ben_two"]);
    assert.equal(await names(openWorkspace({ resultsDir: folder, dataset: "cell" })), [
      "cell_anna_one",
      "cell_ben_two",
    ]);
    process.env.SPEAKERSCOPE_LAYOUT = "flat";
    assert.match(await message(openWorkspace({ resultsDir: folder })), /--layout is about folders/);
    for (const name of Object.keys(set)) delete process.env[name];
    process.env.SPEAKERSCOPE_LAYOUT = "{speaker}/{utterance}";
    const workspace = openWorkspace({ resultsDir: folder, dataRoot: join(folder, "wav") });
    assert.equal(await names(workspace), ["wav_anna_one", "wav_ben_two"]);
  } finally {
    for (const name of [...Object.keys(set), "SPEAKERSCOPE_LAYOUT"]) delete process.env[name];
  }
});

test("the command line has all of them, with underscores or dashes, and says what goes wrong", () => {
  const extract = (...args: string[]) =>
    speakerscope(["extract", "--output_dir", "o", ...args], { cwd: folder });
  const { status, stdout, stderr } = extract(
    ...["--manifest", "list.txt", "--format", "csv", "--columns", "speaker=who,path=where"],
    ...["--path-prefix", "/their/wav=nowhere", "--dataset", "d", "--log_file", "log.txt"],
  );
  assert.is(status, 1, stdout);
  assert.match(
    stderr,
    /^error: None of the 2 files that list\.txt names is there, such as nowhere\/anna\/one\.wav/,
  );
  assert.match(
    extract("--manifest", "list.txt", "--format", "excel").stderr,
    /Allowed choices are kaldi, lhotse/,
  );
  assert.match(extract("--manifest", "list.txt", "--layout", "flat").stderr, /--layout is about folders/);
  assert.match(
    extract("--data_root", "wav", "--columns", "speaker=who").stderr,
    /--columns is about a manifest/,
  );
});

test.run();
