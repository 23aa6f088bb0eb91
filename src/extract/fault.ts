import { readdirSync } from "node:fs";
import { embed } from "../embed/embed.js";
import type { Model } from "../embed/open-model.js";
import { invalid, missing, reasonOf } from "../errors.js";
import type { Failure } from "../types.js";

/** Why a file was not embedded, and whether its content is the cause. */
export interface Refusal extends Pick<Failure, "stage" | "reason"> {
  decided: boolean;
}

/*
 * A file that cannot be embedded is a row among the failures. A machine that cannot go on is another matter: each file
 * after this one would fail for the same reason. What is thrown here ends the rank; the next run goes on with this file.
 */

/** Errors of a system that has run out of something, which would hit any other file too. */
const exhausted = ["ENOMEM", "EMFILE", "ENFILE", "EAGAIN", "ENOSPC", "EDQUOT"];
/** A file is decoded from bytes in memory, so these are about a temporary file or a program. */
const refused = ["EROFS", "EACCES", "EPERM", "ENOENT", "ENOTDIR", "EIO"];

/** The refusal that an error stands for; throws when the machine is at fault, not the file. */
export function refusal(stage: "read" | "decode", error: unknown): Refusal {
  const { code, tag, cause } = error as {
    code?: string;
    tag?: string;
    cause?: { code?: string; tag?: string };
  };
  const system = code ?? cause?.code ?? "";
  if (exhausted.includes(system) || (stage === "decode" && refused.includes(system))) throw error;
  if (isAllocationFailure(error)) checkMemory(error);
  // Bytes that are invalid stay so. What is unsupported may be decoded once FFmpeg is installed, unless FFmpeg has
  // refused it too: then the error under this one is that of our own decoder.
  const refusedByFfmpeg = tag === "unsupported" && cause?.tag === "unsupported";
  return {
    stage,
    reason: reasonOf(error),
    decided: stage === "decode" && (tag === "invalid" || refusedByFfmpeg),
  };
}

/** Throws when the corpus has gone: an unmounted disk would make each file one that is not there. */
export function checkRoot(root: string): void {
  let names: string[] = [];
  let why = "it is empty";
  try {
    names = readdirSync(root);
  } catch (error) {
    why = reasonOf(error);
  }
  if (names.length === 0)
    throw missing(`The corpus ${root} cannot be read any more (${why}). Is its disk still mounted?`, {
      path: root,
    });
}

/** Embeds a fixed signal after the model has failed with another; throws when that fails too. */
export async function checkDevice(model: Model, failure: unknown): Promise<void> {
  try {
    await embed([testSignal(model)], model);
  } catch (error) {
    throw invalid(`Not even a test signal can be embedded on ${model.device}: ${reasonOf(error)}`, {
      got: reasonOf(error),
      cause: failure,
    });
  }
  if (isAllocationFailure(failure)) checkMemory(failure);
}

/** One second, or what the model needs, of noise that is the same each time. */
function testSignal({ sampleRate, minSamples }: Model) {
  let state = 1;
  const samples = Float32Array.from({ length: Math.max(sampleRate, minSamples) }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state / 2 ** 32 - 0.5) * 0.2;
  });
  return { samples, sampleRate };
}

const isAllocationFailure = (error: unknown): boolean =>
  (error as NodeJS.ErrnoException).code === "ERR_MEMORY_ALLOCATION_FAILED" ||
  (error instanceof RangeError && /allocat|out of memory/i.test(error.message));

/** A file may ask for more than any machine has; a machine that has not even this much left is at fault. */
function checkMemory(cause: unknown): void {
  try {
    new ArrayBuffer(256 << 20);
  } catch {
    throw invalid(`The machine is out of memory (${reasonOf(cause)}). Use fewer --num_ranks.`, { cause });
  }
}
