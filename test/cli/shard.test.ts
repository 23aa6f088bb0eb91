import { test } from "uvu";
import * as assert from "uvu/assert";
import { parseShard, shardFromEnvironment } from "../../src/cli/shard.js";

test("a shard is written index/count, counted from 0", () => {
  assert.equal(parseShard("0/4"), { index: 0, count: 4 });
  assert.equal(parseShard(" 15/16 "), { index: 15, count: 16 });
  for (const text of ["4/4", "1/0", "1", "-1/4", "1/4/2", "1.0/4", ""])
    assert.throws(() => parseShard(text), /index\/count, counted from 0/, text);
});

test("outside a cluster there is no shard", () => {
  assert.is(shardFromEnvironment({}), undefined);
  assert.is(shardFromEnvironment({ RANK: "1" }), undefined, "an index without a count");
  assert.is(shardFromEnvironment({ WORLD_SIZE: "4" }), undefined);
  assert.is(shardFromEnvironment({ RANK: "first", WORLD_SIZE: "4" }), undefined);
});

test("the tasks of a Slurm array are shards, wherever its numbers begin and however they step", () => {
  const task = (id: string, more: NodeJS.ProcessEnv = {}) =>
    shardFromEnvironment({ SLURM_ARRAY_TASK_ID: id, SLURM_ARRAY_TASK_COUNT: "4", ...more })?.shard;
  assert.equal(
    [0, 1, 2, 3].map((id) => task(String(id))!.index),
    [0, 1, 2, 3],
  );
  assert.is(task("0")!.count, 4);
  // --array=1-4
  assert.equal(task("4", { SLURM_ARRAY_TASK_MIN: "1", SLURM_ARRAY_TASK_MAX: "4" }), { index: 3, count: 4 });
  // --array=10-16:2
  const stepped = { SLURM_ARRAY_TASK_MIN: "10", SLURM_ARRAY_TASK_MAX: "16", SLURM_ARRAY_TASK_STEP: "2" };
  assert.equal(
    ["10", "12", "14", "16"].map((id) => task(id, stepped)!.index),
    [0, 1, 2, 3],
  );
});

test("srun's processes are shards, in an array job within its tasks", () => {
  const step = { SLURM_STEP_ID: "0", SLURM_NTASKS: "2" };
  assert.equal(shardFromEnvironment({ ...step, SLURM_PROCID: "1" })?.shard, { index: 1, count: 2 });
  const all = [0, 1, 2].flatMap((task) =>
    [0, 1].map((process) => {
      const array = { SLURM_ARRAY_TASK_ID: String(task), SLURM_ARRAY_TASK_COUNT: "3" };
      return shardFromEnvironment({ ...array, ...step, SLURM_PROCID: String(process) })!;
    }),
  );
  assert.equal(
    all.map(({ shard }) => shard),
    [0, 1, 2, 3, 4, 5].map((index) => ({ index, count: 6 })),
  );
  assert.match(all[0]!.source, /SLURM_ARRAY_TASK_ID and SLURM_PROCID/);
});

test("a batch script that Slurm started is one process, whatever the number of tasks it asked for", () => {
  assert.is(shardFromEnvironment({ SLURM_PROCID: "0", SLURM_NTASKS: "8" }), undefined);
  const inArray = {
    SLURM_PROCID: "0",
    SLURM_NTASKS: "8",
    SLURM_ARRAY_TASK_ID: "2",
    SLURM_ARRAY_TASK_COUNT: "4",
  };
  assert.equal(shardFromEnvironment(inArray)?.shard, { index: 2, count: 4 });
});

test("an array of one is no shard", () => {
  assert.is(shardFromEnvironment({ SLURM_ARRAY_TASK_ID: "0", SLURM_ARRAY_TASK_COUNT: "1" }), undefined);
  assert.is(shardFromEnvironment({ RANK: "0", WORLD_SIZE: "1" }), undefined);
});

test("an array whose tasks do not lie evenly is an error and no lost part", () => {
  // --array=0,1,5: the place of task 5 cannot be told from what Slurm says.
  const uneven = { SLURM_ARRAY_TASK_COUNT: "3", SLURM_ARRAY_TASK_MIN: "0", SLURM_ARRAY_TASK_MAX: "5" };
  for (const id of ["0", "1", "5"])
    assert.throws(
      () => shardFromEnvironment({ ...uneven, SLURM_ARRAY_TASK_ID: id }),
      /Slurm array has 3 tasks.*--array=0-2/,
    );
});

test("some tasks of an array run once more under their own numbers, with --num_shards", () => {
  // --array=2,5 of what was --array=0-7
  const some = { SLURM_ARRAY_TASK_COUNT: "2", SLURM_ARRAY_TASK_MIN: "2", SLURM_ARRAY_TASK_MAX: "5" };
  assert.equal(shardFromEnvironment({ ...some, SLURM_ARRAY_TASK_ID: "5" }, 8)?.shard, { index: 5, count: 8 });
  assert.throws(
    () => shardFromEnvironment({ ...some, SLURM_ARRAY_TASK_ID: "5" }, 4),
    /SLURM_ARRAY_TASK_ID is 5, which is beyond the 4 shards/,
  );
  // One task is no even array of one when the job says that it had eight.
  const one = { SLURM_ARRAY_TASK_COUNT: "1", SLURM_ARRAY_TASK_MIN: "3", SLURM_ARRAY_TASK_MAX: "3" };
  assert.equal(shardFromEnvironment({ ...one, SLURM_ARRAY_TASK_ID: "3" }, 8)?.shard, { index: 3, count: 8 });
  // The whole array, counted from 1.
  const whole = { SLURM_ARRAY_TASK_COUNT: "4", SLURM_ARRAY_TASK_MIN: "1", SLURM_ARRAY_TASK_MAX: "4" };
  assert.equal(shardFromEnvironment({ ...whole, SLURM_ARRAY_TASK_ID: "4" }, 4)?.shard, {
    index: 3,
    count: 4,
  });
});

test("torchrun's RANK of WORLD_SIZE is a shard", () => {
  const found = shardFromEnvironment({ RANK: "5", WORLD_SIZE: "8", LOCAL_RANK: "1" });
  assert.equal(found, { shard: { index: 5, count: 8 }, source: "RANK" });
  assert.throws(
    () => shardFromEnvironment({ RANK: "5", WORLD_SIZE: "8" }, 4),
    /RANK says that there are 8 shards, --num_shards 4/,
  );
});

test("a Kubernetes Indexed Job tells the index, and --num_shards the count", () => {
  const environment = { JOB_COMPLETION_INDEX: "3" };
  assert.equal(shardFromEnvironment(environment, 4), {
    shard: { index: 3, count: 4 },
    source: "JOB_COMPLETION_INDEX",
  });
  assert.throws(() => shardFromEnvironment(environment), /JOB_COMPLETION_INDEX is 3.*--num_shards/);
  assert.throws(
    () => shardFromEnvironment(environment, 3),
    /JOB_COMPLETION_INDEX is 3, but --num_shards 3 ends at 2/,
  );
});

test.run();
