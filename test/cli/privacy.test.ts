import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { speakerscope } from "../cli.js";
import { temporaryFolder, tinyCorpus, tinyModel } from "../tiny.js";

const cwd = temporaryFolder();
const modelPath = tinyModel(cwd);
tinyCorpus(join(cwd, "corpus"), { "d/s0/a.wav": 1, "d/s0/b.wav": 2, "d/s1/c.wav": 3, "d/s1/d.wav": 4 });

/** An environment whose home and temporary folder are empty, and in which ONNX Runtime does not hold back by itself. */
function emptyHome(name: string): { home: string; env: NodeJS.ProcessEnv } {
  const home = join(cwd, name);
  mkdirSync(join(home, "tmp"), { recursive: true });
  const env: NodeJS.ProcessEnv = { HOME: home, TMPDIR: join(home, "tmp") };
  for (const key of Object.keys(process.env))
    if (/^(ORT_|NVIDIA_|XDG_|CI$|GITHUB_|GITLAB_|TF_BUILD$|JENKINS|BUILD_|TRAVIS|CIRCLECI)/.test(key))
      env[key] = undefined;
  return { home, env };
}

const filesBelow = (folder: string) =>
  readdirSync(folder, { recursive: true })
    .map(String)
    .filter((name) => name !== "tmp");

test("a run writes nothing outside of its output", () => {
  const { home, env } = emptyHome("home");
  const before = readdirSync(cwd);
  const model = ["--model_path", modelPath, "--device", "cpu"];
  const { status, stderr } = speakerscope(["run", "--data_root", "corpus", ...model], { cwd, env });
  assert.is(status, 0, stderr);
  assert.equal(filesBelow(home), []);
  assert.equal(
    readdirSync(cwd).filter((name) => !before.includes(name)),
    ["embeddings_output", "final_embeddings", "logs"],
  );
});

test("the library sends no telemetry and uses no TF32, whatever is loaded before a model", () => {
  const { home, env } = emptyHome("library-home");
  const code = `
    const { openModel } = require("speakerscope");
    require("onnxruntime-node");
    openModel({ modelPath: ${JSON.stringify(modelPath)} }).then((model) => model.close()).then(() =>
      console.log(process.env.ORT_DISABLE_TELEMETRY, process.env.NVIDIA_TF32_OVERRIDE));`;
  const { stdout, stderr } = spawnSync(process.execPath, ["-e", code], {
    cwd: join(__dirname, "..", ".."),
    encoding: "utf8",
    env: { ...process.env, ...env, NVIDIA_TF32_OVERRIDE: "1" },
  });
  assert.is(stdout, "1 0\n", stderr);
  assert.equal(filesBelow(home), []);
  assert.not(existsSync(join(home, ".cache")));
});

test.run();
