import { InvalidArgumentError } from "commander";
import { invalid } from "../errors.js";
import type { Shard } from "../store/extraction.js";

/** `2/16`: the third of sixteen. */
export function parseShard(text: string): Shard {
  const [, index, count] = /^(\d+)\/(\d+)$/.exec(text.trim()) ?? [];
  if (index === undefined || Number(index) >= Number(count))
    throw new InvalidArgumentError("must be index/count, counted from 0, such as 0/4 or 3/4");
  return { index: Number(index), count: Number(count) };
}

/**
 * The shard that a cluster's environment gives this process, and where it stands; undefined outside a cluster.
 *
 * Slurm: the task of an array job times the processes that srun started in it; torchrun and mpirun-like launchers: RANK
 * of WORLD_SIZE; a Kubernetes Indexed Job tells the index alone, so the count comes from `numShards`.
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
      throw invalid("shard", `count from ${found.source}`, {
        got: found.shard.count,
        want: `${numShards} (--num_shards)`,
      });
    return found.shard.count > 1 ? found : undefined;
  }
  if (index === undefined) return undefined;
  if (numShards === undefined)
    throw invalid("shard", "count", {
      got: `JOB_COMPLETION_INDEX=${index} alone`,
      want: "--num_shards, the job's completions",
    });
  if (index >= numShards)
    throw invalid("shard", "JOB_COMPLETION_INDEX", { got: index, want: `below ${numShards} (--num_shards)` });
  return { shard: { index, count: numShards }, source: "JOB_COMPLETION_INDEX" };
}

type Value = (name: string) => number | undefined;

function slurm(value: Value, numShards: number | undefined): { shard: Shard; source: string } | undefined {
  const task = value("SLURM_ARRAY_TASK_ID");
  const tasks = value("SLURM_ARRAY_TASK_COUNT");
  // Outside of srun a batch script has SLURM_PROCID=0 whatever the number of tasks: it is not one of several.
  const processes =
    value("SLURM_STEP_ID") === undefined ? undefined : ranked(value, "SLURM_PROCID", "SLURM_NTASKS");
  if (task === undefined || tasks === undefined) return processes;
  const inner = processes?.shard ?? { index: 0, count: 1 };
  // Some tasks of an array once more (--array=2,5): their own numbers count.
  const again = numShards !== undefined && numShards !== tasks * inner.count;
  const place = again ? task : placeInArray(value, task, tasks);
  const shard = { index: place * inner.count + inner.index, count: again ? numShards : tasks * inner.count };
  if (shard.index >= shard.count)
    throw invalid("shard", "SLURM_ARRAY_TASK_ID", {
      got: task,
      want: `a shard below ${shard.count} (--num_shards)`,
    });
  return {
    shard,
    source: processes === undefined ? "SLURM_ARRAY_TASK_ID" : "SLURM_ARRAY_TASK_ID and SLURM_PROCID",
  };
}

/** The place of a task among those of its array; Slurm tells the ends, step and count, so they must lie evenly. */
function placeInArray(value: Value, task: number, tasks: number): number {
  const first = value("SLURM_ARRAY_TASK_MIN") ?? 0;
  const last = value("SLURM_ARRAY_TASK_MAX") ?? first + tasks - 1;
  const step = value("SLURM_ARRAY_TASK_STEP") ?? 1;
  if (last - first !== step * (tasks - 1))
    throw invalid("shard", "SLURM_ARRAY_TASK_ID", {
      got: `${tasks} tasks from ${first} to ${last}`,
      want: `an even array such as --array=0-${tasks - 1}, or --num_shards for some tasks of an array once more`,
    });
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
