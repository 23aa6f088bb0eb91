import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { readManifest } from "../../src/corpus/read-manifest.js";
import { writeManifest } from "../../src/corpus/write-manifest.js";
import { temporaryFolder } from "../tiny.js";

const manifests = join(__dirname, "../fixtures/manifests");
const folder = temporaryFolder();

for (const name of ["nemo.jsonl", "excel.csv", "validated.tsv", "kaldi", "kaldi-segments"])
  test(`${name} comes back without the rows that were left out, with speakers renamed and all else kept`, async () => {
    const corpus = await readManifest(join(manifests, name), { dataset: "d" });
    const gone = corpus.utterances[0]!.speakerId;
    const utterances = corpus.utterances
      .filter(({ speakerId }) => speakerId !== gone)
      .map((utterance, i) => (i === 0 ? { ...utterance, speakerId: "=new" } : utterance));
    await writeManifest({ ...corpus, utterances }, join(folder, name));
    const again = await readManifest(join(folder, name), { dataset: "d" });
    assert.equal(again.failures, []);
    assert.is(again.manifest!.format, corpus.manifest!.format);
    const facts = (list: typeof utterances) =>
      list
        .map(({ utteranceId, speakerId, session, span, channel, seconds, fields }) =>
          // Paths may be absolute now, and without a column of names those below a folder of another name are longer.
          JSON.stringify({
            utteranceId: utteranceId.split("/").at(-1),
            speakerId,
            session: session?.split("/").at(-1),
            span,
            channel,
            seconds,
            fields,
          }),
        )
        .sort();
    assert.equal(facts(again.utterances), facts(utterances));
    assert.ok(utterances.length > 0 && utterances.length < corpus.utterances.length);
  });

test("a row in which nothing changes stays byte for byte", async () => {
  const path = join(manifests, "nemo.jsonl");
  await writeManifest(await readManifest(path), join(folder, "same.jsonl"));
  assert.is(readFileSync(join(folder, "same.jsonl"), "utf8"), readFileSync(path, "utf8"));
});

test("the manifest itself, folders and shards are refused", async () => {
  const path = join(manifests, "nemo.jsonl");
  const corpus = await readManifest(path);
  const message = (own: Parameters<typeof writeManifest>[0], to: string) =>
    writeManifest(own, to).then(
      () => "",
      (error: Error) => error.message,
    );
  assert.match(await message(corpus, path), /is the manifest that the corpus was read from/);
  assert.match(await message({ utterances: [] }, "x"), /read from folders/);
  assert.match(
    await message({ ...corpus, manifest: { ...corpus.manifest!, format: "webdataset" } }, "x"),
    /webdataset cannot be written back/,
  );
});

test.run();
