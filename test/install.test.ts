// The package as others install it: packed, unpacked in a project of its own, beside the dependencies and nothing else.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Client } from "./kernels/client.js";
import { put, temporaryFolder, tinyCorpus, tinyModel } from "./tiny.js";

const root = join(__dirname, "..");
const project = realpathSync(temporaryFolder());
const installed = join(project, "node_modules", "speakerscope");

function run(command: string, args: string[], cwd = project) {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: "utf8" });
  assert.is(status, 0, `${command} ${args.join(" ")}\n${stdout}${stderr}`);
  return stdout;
}
/** By the link that npm makes for `npx` and the PATH. */
const speakerscope = (...args: string[]) =>
  run(process.execPath, [join(project, "node_modules", ".bin", "speakerscope"), ...args]);

test.before(() => {
  run("npm", ["pack", "--ignore-scripts", "--silent", "--pack-destination", project], root);
  const tarball = readdirSync(project).find((name) => name.endsWith(".tgz"))!;
  mkdirSync(installed, { recursive: true });
  run("tar", ["-xzf", tarball, "-C", installed, "--strip-components=1"]);
  const manifest = JSON.parse(readFileSync(join(installed, "package.json"), "utf8"));
  for (const name of Object.keys(manifest.dependencies)) {
    const place = join(project, "node_modules", name);
    mkdirSync(dirname(place), { recursive: true });
    symlinkSync(join(root, "node_modules", name), place);
  }
  mkdirSync(join(project, "node_modules", ".bin"));
  symlinkSync(
    join(installed, manifest.bin.speakerscope),
    join(project, "node_modules", ".bin", "speakerscope"),
  );
});

test("an installed package says its version and extracts with its own files", () => {
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  assert.is(speakerscope("--version").trim(), version);
  tinyCorpus(join(project, "corpus"), { "d/a/1.wav": 1, "d/a/2.wav": 2, "d/b/1.wav": 3 });
  const model = tinyModel(join(project, "model"));
  speakerscope("run", "--data_root", "corpus", "--model_path", model, "--num_ranks", "1");
  assert.ok(existsSync(join(project, "final_embeddings", "speaker_embeddings.pkl")));
  assert.ok(existsSync(join(project, "final_embeddings", "similarity_heatmap.png")));
});

test("a program beside it scans, embeds with a bundled model, and learns what is not installed", () => {
  put(
    join(project, "program.mjs"),
    `import { embed, loadAudio, openModel, scan, toDataFrame } from "speakerscope";
     const { utterances } = await scan("corpus");
     const model = await openModel({ modelPath: "ge2e", device: "cpu" });
     const [embedding] = await embed([await loadAudio(utterances[0].path)], model);
     await model.close();
     let problem = "none";
     try { toDataFrame(utterances) } catch (error) { problem = error.message }
     console.log(JSON.stringify([utterances.length, embedding.length, problem]));`,
  );
  const [utterances, dimension, problem] = JSON.parse(run(process.execPath, ["program.mjs"]));
  assert.equal([utterances, dimension], [3, 256]);
  assert.match(problem, /danfojs-node, which is not installed/);
});

test("its kernel can be installed from there, and runs there and elsewhere, toolkit and types included", async () => {
  speakerscope("kernel", "install", "--prefix", join(project, "prefix"));
  const { argv } = JSON.parse(
    readFileSync(join(project, "prefix/share/jupyter/kernels/speakerscope/kernel.json"), "utf8"),
  );
  const launcher = argv.find((word: string) => word.endsWith("launch.js"));
  assert.ok(launcher.startsWith(installed), launcher);
  // The page that ?speakerscope shows.
  assert.ok(existsSync(join(installed, "docs", "api.md")));
  const elsewhere = temporaryFolder();
  for (const cwd of [project, elsewhere]) {
    const client = await Client.start({ argv: argv.slice(0, -1), cwd });
    try {
      const code = `import { ScopeError, type Matrix } from "speakerscope";
import { display } from "speakerscope/kernel";
const m: Matrix = { data: new Float32Array(2), rows: 1, columns: 2 };
[new ScopeError("missing", "A sentence.").tag, require.resolve("speakerscope"), m.rows, typeof display]`;
      const value = (await client.value(code))?.replace(/\s+/g, " ");
      assert.match(value ?? "", /^\[ 'missing', '.*\/speakerscope\/dist\/src\/index.js', 1, 'function' \]$/);
      assert.match(value ?? "", installed);
      const wrong = await client.run("const wrong: string = new ScopeError('missing', 'a').tag.length");
      assert.match(wrong.reply.evalue, "not assignable to type 'string'");
    } finally {
      await client.close();
    }
  }
});

test.run();
