import { mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { spareInputs } from "../../src/cli/spare-inputs.js";
import { speakerscope } from "../cli.js";
import { put, temporaryFolder } from "../tiny.js";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
for (const name of [
  "manifest.csv",
  "corpus.jsonl",
  "utterances.jsonl",
  "d.jsonl",
  "final/utterances.jsonl",
  "final/similarity_analysis.csv",
])
  put(at(name), "mine");
symlinkSync(folder, at("link"));
mkdirSync(at("new"));

const refused = (command: string, settings: Record<string, unknown>): string => {
  try {
    spareInputs(command, settings);
    return "";
  } catch (error) {
    const { tag, message } = error as Error & { tag: string };
    return `${tag}: ${message.replaceAll(folder, ".")}`;
  }
};

test("A command does not write over what it is told to read, by whatever name that goes", () => {
  for (const outputDir of [folder, at("new/.."), at("link")])
    assert.match(
      refused("cluster", { manifest: at("manifest.csv"), outputDir }),
      /^conflict: .*manifest\.csv would be written over, and it is what this command is to read \(--manifest .*\)\. Give another --output_dir\.$/,
    );
  for (const [command, settings] of [
    ["extract", { manifest: at("corpus.jsonl"), outputDir: folder }],
    ["run", { manifest: at("utterances.jsonl"), outputDir: at("new"), finalDir: folder }],
    ["run", { manifest: at("manifest.csv"), logFile: at("manifest.csv") }],
    ["apply", { decisions: [at("d.jsonl")], out: at("d.jsonl") }],
    ["export", { input: at("final"), to: at("final/utterances.jsonl") }],
    ["analyze", { resultsDir: at("final"), outputCsv: at("final/utterances.jsonl") }],
  ] as const)
    assert.match(refused(command, settings), /^conflict: /, `${command} ${JSON.stringify(settings)}`);
});

test("What a command is meant to write anew, and files that are not there, are no reason to stop", () => {
  for (const [command, settings] of [
    ["cluster", { manifest: at("manifest.csv"), outputDir: at("new") }],
    ["cluster", { embeddings: at("new/manifest.csv"), outputDir: at("new") }],
    ["analyze", { resultsDir: at("final"), outputCsv: at("final/similarity_analysis.csv") }],
    ["audit", { embeddings: at("final"), decisions: [at("d.jsonl")], outputDir: folder }],
    ["similarity", { input: at("final"), outputDir: at("final") }],
  ] as const)
    assert.is(refused(command, settings), "", command);
});

test("The command line looks before anything else", () => {
  const { status, stderr } = speakerscope(
    ["cluster", "--embeddings", "e.npz", "--manifest", "manifest.csv", "--output_dir", "."],
    { cwd: folder },
  );
  assert.is(status, 1);
  assert.match(stderr, /^error: manifest\.csv would be written over/);
  assert.is(readFileSync(at("manifest.csv"), "utf8"), "mine");
});

test.run();
