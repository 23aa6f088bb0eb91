import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { speakerscope } from "../cli.js";
import { put, temporaryFolder, tinyCorpus, tinyModel } from "../tiny.js";

test("a log file that cannot be written is said once and ends nothing", () => {
  const cwd = temporaryFolder();
  const modelPath = tinyModel(cwd);
  tinyCorpus(join(cwd, "corpus"), { "d/s/a.wav": 1 });
  put(join(cwd, "file"), "");
  mkdirSync(join(cwd, "folder"));
  const args = ["extract", "--data_root", "corpus", "--model_path", modelPath, "--device", "cpu"];
  for (const [index, log] of ["/dev/full", "file/x.log", "folder"].entries()) {
    const { status, stdout } = speakerscope([...args, "--output_dir", `o${index}`, "--log_file", log], {
      cwd,
    });
    assert.is(status, 0, stdout);
    assert.match(stdout, /Embedded 1 of 1 file/);
    assert.is(stdout.split("cannot be written").length, 2, stdout);
  }
  assert.is(speakerscope([...args, "--log_file", "logs/a.log"], { cwd }).status, 0);
  assert.match(readFileSync(join(cwd, "logs/a.log"), "utf8"), /^20.* Embedded 1 of 1 file/m);
});

test.run();
