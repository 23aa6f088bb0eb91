// The examples in the docstrings of everything that the package exports: each is compiled strictly and run.
import { spawnSync } from "node:child_process";
import { copyFileSync, cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { test } from "uvu";
import * as assert from "uvu/assert";
import * as speakerscope from "../src/index.js";
import { packageRoot } from "../src/util/package-root.js";
import { speakerscope as command } from "./cli.js";
import { temporaryFolder } from "./tiny.js";

/** Exports without an example: constants and what only passes things on. */
const withoutExample = new Set([
  "ScopeError",
  "audioExtensions",
  "bundledModel",
  "bundledModels",
  "devices",
  "families",
]);

/** What a notebook has at hand when it comes to a line like those of the examples. */
const preamble = `
import { createReadStream, createWriteStream, readFileSync, writeFileSync } from "node:fs";
import * as all from "speakerscope";
import { ${Object.keys(speakerscope).join(", ")} } from "speakerscope";

const workspace = { ...openWorkspace(), outputDir: "embeddings_output", finalDir: "final_embeddings" };
const corpus = await scan("data/speech");
const speakers = await readEmbeddings("final_embeddings");
const utterances = await readEmbeddings("final_embeddings", { level: "utterance" });
const audio = await loadAudio("data/speech/test-other/533/533-1066-0000.flac");
const { samples } = audio;
const features = await fbank(audio);
const model = await openModel();
const result = await similarity(speakers, { threshold: 0.3, matrix: true });
const { statistics, histogram } = result;
const { matrix } = result;
const keys = speakers.map(({ key }) => key);
const pairs = highSimilarityPairs(result, speakers);
const highPairsFound = pairs;
const analysis = analyze({ speakers, statistics, histogram, pairs });
const scores = intraInterScores(utterances);
const { eer, threshold } = equalErrorRate(scores);
// The speech is so clean that its own scores part completely, which nothing can be calibrated on.
const trialScores = makeTrials(utterances).trials.map((trial, t) => ({ ...trial, score: (trial.isTarget ? 0.6 : 0.2) + 0.4 * Math.sin(7 * t) }));
const files = await recordings(corpus, workspace, { reporter: console });
const seconds = await readDurations("embeddings_output");
const points = map2d(utterances).points;
const abortSignal = new AbortController().signal;
`;

interface Example {
  name: string;
  code: string;
}

function examples(): Example[] {
  const entry = join(packageRoot, "src", "index.ts");
  const program = ts.createProgram([entry], {
    ...ts.readConfigFile(join(packageRoot, "tsconfig.json"), ts.sys.readFile).config.compilerOptions,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.Node16,
    moduleResolution: ts.ModuleResolutionKind.Node16,
    lib: ["lib.es2023.d.ts"],
    noEmit: true,
  });
  const checker = program.getTypeChecker();
  const exports = checker.getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(entry)!)!);
  return exports.flatMap((exported) => {
    const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
    if (!(symbol.flags & ts.SymbolFlags.Value)) return [];
    const tags = symbol.getJsDocTags(checker).filter(({ name }) => name === "example");
    return [{ name: exported.name, code: tags.map(({ text }) => ts.displayPartsToString(text)).join("\n") }];
  });
}

const all = examples();

test("everything that is exported has an example", () => {
  assert.equal(
    all.filter(({ name, code }) => code === "" && !withoutExample.has(name)).map(({ name }) => name),
    [],
  );
});

test("every example compiles and runs", () => {
  const cwd = temporaryFolder();
  copySpeech(join(cwd, "data", "speech"));
  copyFileSync(join(packageRoot, "test/fixtures/manifests/nemo.jsonl"), join(cwd, "manifest.jsonl"));
  const run = command(
    ["run", "--data_root", "data/speech", "--similarity_threshold", "0.3", "--audit", "false"],
    { cwd },
  );
  assert.is(run.status, 0, run.stderr);
  const program = [
    preamble,
    ...all
      .filter(({ name, code }) => code !== "" && !withoutExample.has(name))
      .map(({ name, code }) => `async function example_${name}() {\n${code}\n}\n`),
    `for (const example of [${all
      .filter(({ name, code }) => code !== "" && !withoutExample.has(name))
      .map(({ name }) => `example_${name}`)
      .join(", ")}])`,
    "  await example().catch((error: unknown) => { process.exitCode = 1; console.error(example.name, error); });",
    "await model.close();",
    "export { all };",
  ].join("\n");
  // Inside the package, so that "speakerscope" is this one.
  const folder = join(packageRoot, "test-results");
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `examples-${process.pid}.mts`);
  writeFileSync(path, program);
  try {
    assert.is(compileErrors(path), "");
    const { status, stderr } = spawnSync(process.execPath, ["--import", require.resolve("tsx"), path], {
      cwd,
      encoding: "utf8",
    });
    assert.is(status, 0, stderr);
  } finally {
    rmSync(path);
  }
});

/** A few speakers of each data set: enough for every example, and quick to embed. */
function copySpeech(to: string): void {
  const from = join(packageRoot, "data", "speech");
  const few: Record<string, number> = { podcast: 2, studio: 2, "test-other": 3 };
  for (const [dataset, count] of Object.entries(few)) {
    const speakers = readdirSync(join(from, dataset)).sort();
    const chosen = dataset === "test-other" ? ["367", "533", "1688"] : speakers.slice(0, count);
    for (const speaker of chosen)
      for (const file of readdirSync(join(from, dataset, speaker))
        .sort()
        .slice(0, 4))
        cpSync(join(from, dataset, speaker, file), join(to, dataset, speaker, file));
  }
}

function compileErrors(path: string): string {
  const program = ts.createProgram([path], {
    strict: true,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.Node16,
    moduleResolution: ts.ModuleResolutionKind.Node16,
    lib: ["lib.es2023.d.ts"],
    types: ["node"],
    typeRoots: [join(packageRoot, "node_modules", "@types")],
    skipLibCheck: true,
    noEmit: true,
  });
  return ts.formatDiagnostics(ts.getPreEmitDiagnostics(program), {
    getCurrentDirectory: () => packageRoot,
    getCanonicalFileName: (name) => name,
    getNewLine: () => "\n",
  });
}

test.run();
