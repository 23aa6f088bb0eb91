import { InvalidArgumentError } from "commander";
import { conflict, invalid, missing } from "../errors.js";
import { quantity } from "../shared/text.js";
import type { Shard } from "../store/extraction.js";

/** `2/16`: the third of sixteen. */
export function parseShard(text: string): Shard {
  const [, index, count] = /^(\d+)\/(\d+)$/.exec(text.trim()) ?? [];
  if (index === undefined || Number(index) >= Number(count))
    throw new InvalidArgumentError("must be index/count, counted from 0, such as 0/4 or 3/4");
  return { index: Number(index), count: Number(count) };
}

/**
 * The shard that a cluster's environment assigns to this process, and the variable that says so; undefined outside a cluster.
 *
 * Slurm: the task of an array job, times the processes that srun started in it. torchrun and similar launchers: RANK of
 * WORLD_SIZE. Kubernetes Indexed Jobs give only the index, so the count comes from `numShards`.
 */
export function shardFromEnvironment(
  environment: NodeJS.ProcessEnv,
  numShards?: number,
): { shard: Shard; source: string } | undefined {
  const value = (name: string): number | undefined => {
    const text = environment[name];
    return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
  };
  const found = slurm(value, numShards) ?? ranked(value, "RANK", "WORLD_SIZE");
  const index = value("JOB_COMPLETION_INDEX");
  if (found !== undefined) {
    if (numShards !== undefined && numShards !== found.shard.count)
      throw conflict(
        `${found.source} says that there are ${quantity(found.shard.count, "shard")}, --num_shards ${numShards}. Give --shard INDEX/COUNT to say which is right.`,
        { got: found.shard.count },
      );
    return found.shard.count > 1 ? found : undefined;
  }
  if (index === undefined) return undefined;
  if (numShards === undefined)
    throw missing(
      `JOB_COMPLETION_INDEX is ${index}, but nothing says how many shards there are. Give --num_shards, the completions of the job.`,
      { got: index },
    );
  if (index >= numShards)
    throw invalid(
      `JOB_COMPLETION_INDEX is ${index}, but --num_shards ${numShards} ends at ${numShards - 1}. Give the completions of the job.`,
      { got: index },
    );
  return { shard: { index, count: numShards }, source: "JOB_COMPLETION_INDEX" };
}

type Value = (name: string) => number | undefined;

function slurm(value: Value, numShards: number | undefined): { shard: Shard; source: string } | undefined {
  const task = value("SLURM_ARRAY_TASK_ID");
  const tasks = value("SLURM_ARRAY_TASK_COUNT");
  // Outside srun a batch script always has SLURM_PROCID=0, so it is not one of several processes.
  const processes =
    value("SLURM_STEP_ID") === undefined ? undefined : ranked(value, "SLURM_PROCID", "SLURM_NTASKS");
  if (task === undefined || tasks === undefined) return processes;
  const inner = processes?.shard ?? { index: 0, count: 1 };
  // When some tasks of an array are run again (--array=2,5), their own numbers count.
  const again = numShards !== undefined && numShards !== tasks * inner.count;
  const place = again ? task : placeInArray(value, task, tasks);
  const shard = { index: place * inner.count + inner.index, count: again ? numShards : tasks * inner.count };
  if (shard.index >= shard.count)
    throw invalid(
      `SLURM_ARRAY_TASK_ID is ${task}, which is beyond the ${quantity(shard.count, "shard")} of --num_shards.`,
      { got: task },
    );
  return {
    shard,
    source: processes === undefined ? "SLURM_ARRAY_TASK_ID" : "SLURM_ARRAY_TASK_ID and SLURM_PROCID",
  };
}

/** The position of a task in its array. Slurm gives first, last, step and count, so tasks must be evenly spaced. */
function placeInArray(value: Value, task: number, tasks: number): number {
  const first = value("SLURM_ARRAY_TASK_MIN") ?? 0;
  const last = value("SLURM_ARRAY_TASK_MAX") ?? first + tasks - 1;
  const step = value("SLURM_ARRAY_TASK_STEP") ?? 1;
  if (last - first !== step * (tasks - 1))
    throw invalid(
      `The Slurm array has ${tasks} tasks from ${first} to ${last}, which are not evenly spaced. Use one such as --array=0-${tasks - 1}, or give --num_shards to run some tasks of an array again.`,
      { got: tasks },
    );
  return (task - first) / step;
}

function ranked(
  value: Value,
  indexName: string,
  countName: string,
): { shard: Shard; source: string } | undefined {
  const index = value(indexName);
  const count = value(countName);
  if (index === undefined || count === undefined || index >= count) return undefined;
  return { shard: { index, count }, source: indexName };
}
