import { readFileSync } from "node:fs";
import { join } from "node:path";
import Ajv from "ajv";
import { Command } from "commander";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { parse } from "yaml";
import { extractCommand } from "../../src/cli/extract.js";
import { mergeCommand } from "../../src/cli/merge.js";
import { shardFromEnvironment } from "../../src/cli/shard.js";
import { packageRoot } from "../../src/util/package-root.js";

type Job = {
  spec: {
    completions: number;
    template: {
      spec: {
        containers: {
          name: string;
          image: string;
          command: string[];
          args: string[];
          volumeMounts: { name: string }[];
        }[];
        volumes: { name: string; persistentVolumeClaim: { claimName: string } }[];
      };
    };
  };
};

const manifest = (name: string) =>
  parse(readFileSync(join(packageRoot, "scripts", "kubernetes", name), "utf8")) as Job;
const schema = JSON.parse(
  readFileSync(join(__dirname, "..", "fixtures", "kubernetes", "job-batch-v1.json"), "utf8"),
);
// The schema is written for a later draft than this Ajv's; the keys that it uses mean the same in both.
for (const definition of Object.values<Record<string, unknown>>(schema.definitions)) {
  delete definition.$schema;
  delete definition.$id;
}
const isJob = new Ajv({ strict: false }).compile(schema);

for (const name of ["extract.yaml", "merge.yaml"])
  test(`${name} is a Job as Kubernetes' strict schema has it`, () => {
    assert.ok(isJob(manifest(name)), JSON.stringify(isJob.errors));
  });

test("the schema finds what is wrong", () => {
  const changed = (from: string | RegExp, to: string) => {
    const text = readFileSync(join(packageRoot, "scripts", "kubernetes", "extract.yaml"), "utf8");
    assert.match(text, from);
    return isJob(parse(text.replace(from, to)));
  };
  assert.not(changed("completions: 16", "completion: 16"), "a key that there is not");
  assert.not(changed("completions: 16", 'completions: "16"'), "text for a number");
  assert.not(changed("mountPath: /corpus", "mount: /corpus"), "a key deep inside");
  assert.not(changed(/ {4}spec:\n[\s\S]*/, "    spec: {}\n"), "no containers");
  assert.not(changed("kind: Job", "kind: Pod"), "another kind");
});

test("the pods of the extraction are its shards, and their flags are flags of the command", () => {
  const { spec } = manifest("extract.yaml");
  const { args, command } = spec.template.spec.containers[0]!;
  const numShards = Number(args.find((arg) => arg.startsWith("--num_shards="))?.split("=")[1]);
  assert.is(numShards, spec.completions);
  const last = { JOB_COMPLETION_INDEX: String(spec.completions - 1) };
  assert.equal(shardFromEnvironment(last, numShards)?.shard, {
    index: spec.completions - 1,
    count: spec.completions,
  });
  assert.equal(command, ["speakerscope", "extract"]);
});

test("the flags of the manifests are flags of the commands", () => {
  const program = new Command();
  extractCommand(program);
  mergeCommand(program);
  for (const name of ["extract.yaml", "merge.yaml"]) {
    const { command, args } = manifest(name).spec.template.spec.containers[0]!;
    const options = program.commands.find((known) => known.name() === command[1])!.options;
    for (const arg of args) {
      const flag = arg.split("=")[0]!.replace(/^--/, "").replaceAll("_", "-");
      assert.ok(
        options.some((option) => option.name() === flag),
        `${name}: ${arg}`,
      );
    }
  }
});

test("the merge reads the volume that the extraction writes", () => {
  const [extract, merge] = ["extract.yaml", "merge.yaml"].map((name) => manifest(name).spec.template.spec);
  const claim = (pod: typeof merge) =>
    pod!.volumes.find(({ name }) => name === "work")!.persistentVolumeClaim.claimName;
  assert.is(claim(merge), claim(extract));
  assert.is(merge!.containers[0]!.image, extract!.containers[0]!.image);
  const output = extract!.containers[0]!.args.find((arg) => arg.startsWith("--output_dir="))!.split("=")[1];
  assert.ok(merge!.containers[0]!.args.includes(`--input_dir=${output}`));
});

test.run();
