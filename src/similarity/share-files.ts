import { createHash, randomBytes } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { conflict } from "../errors.js";
import { readNpy, writeNpy } from "../format/npy.js";
import type { MedianShare } from "./median.js";
import type { Share } from "./share.js";
import type { CheckedRows } from "./similarity.js";

const folderOf = (folder: string) => join(folder, "similarity_rows");
const nameOf = (from: number, to: number) =>
  `${String(from).padStart(9, "0")}-${String(to).padStart(9, "0")}`;

/** Rises when shares hold something else, or come from other tiles. */
const format = 2;

/** Shares can be joined when they come from the same vectors and settings: this tells them apart. */
export function fingerprintOf({ first, second, threshold, topK, maxPairs }: CheckedRows): string {
  const hash = createHash("sha256");
  for (const { data, n, dimension } of first === second ? [first] : [first, second])
    hash.update(`${n} ${dimension} `).update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return hash.update(`${format} ${threshold} ${topK} ${maxPairs}`).digest("hex");
}

/** Where the rows of the matrix that belong to a share are written. */
export const shareMatrix = (share: string) => join(share, "matrix.npy");

/**
 * Computes and stores a share: `fill` may write into its folder, which takes its name only when all of it is there, so
 * that what was killed leaves nothing that counts.
 */
export async function storeShare(
  folder: string,
  { from, to }: { from: number; to: number },
  fingerprint: string,
  fill: (share: string) => Promise<Share>,
): Promise<void> {
  const place = join(folderOf(folder), nameOf(from, to));
  const temporary = `${place}.${process.pid}.${randomBytes(4).toString("hex")}.tmp`;
  await mkdir(temporary, { recursive: true });
  try {
    await writeShare(temporary, await fill(temporary), fingerprint);
    await rename(temporary, place);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
}

/** True when the share is there, from the same vectors and settings. */
export function hasShare(
  folder: string,
  { from, to }: { from: number; to: number },
  fingerprint: string,
): boolean {
  const path = join(folderOf(folder), nameOf(from, to), "share.json");
  return (
    existsSync(path) &&
    (JSON.parse(readFileSync(path, "utf8")) as { fingerprint: string }).fingerprint === fingerprint
  );
}

/**
 * The folders of the shares that make up the rows 0 to n, in order; null while some are missing.
 *
 * @throws `conflict` where rows are there twice or come from something else
 */
export function completeShares(folder: string, n: number, fingerprint: string): string[] | null {
  const home = folderOf(folder);
  const names = existsSync(home)
    ? readdirSync(home)
        .filter((name) => /^\d+-\d+$/.test(name))
        .sort()
    : [];
  let next = 0;
  for (const name of names) {
    const path = join(home, name);
    const [from, to] = name.split("-").map(Number);
    if (!hasShare(folder, { from, to }, fingerprint))
      throw conflict("similarity", `rows ${from}:${to}`, {
        want: "rows of the same vectors, threshold, top k and number of pairs; remove the others",
        path,
      });
    if (from < next)
      throw conflict("similarity", `rows ${from}:${to}`, {
        want: `rows from ${next} on; remove one of both`,
        path,
      });
    if (from > next) return null;
    next = to;
  }
  if (next < n) return null;
  return names.map((name) => join(home, name));
}

export async function removeShares(folder: string): Promise<void> {
  await rm(folderOf(folder), { recursive: true, force: true });
}

async function writeShare(place: string, share: Share, fingerprint: string): Promise<void> {
  const { from, to, lowest, highest, highPairs, sum, squares, pairs, median, neighbours, fine } = share;
  const save = (name: string, data: Float32Array | Float64Array | Int32Array, shape?: number[]) =>
    writeFile(join(place, name), writeNpy(data, { shape }));
  await save("fine.npy", fine);
  const rows = new Int32Array(2 * pairs.length);
  for (const [p, { i, j }] of pairs.entries()) rows.set([i, j], 2 * p);
  await save("pair_rows.npy", rows, [pairs.length, 2]);
  await save(
    "pair_scores.npy",
    Float32Array.from(pairs, ({ similarity }) => similarity),
  );
  for (const name of ["values", "counts", "least", "largest"] as const) {
    const part = (median as Record<string, unknown>)[name];
    if (part !== undefined) await save(`median_${name}.npy`, part as Float32Array);
  }
  if (neighbours !== undefined) {
    const shape = [to - from, neighbours.k];
    await save("neighbours_index.npy", neighbours.index, shape);
    await save("neighbours_score.npy", neighbours.score, shape);
  }
  const { low, high } = median;
  const facts = {
    fingerprint,
    from,
    to,
    // JSON has no infinity: rows without a pair have no extremes.
    lowest: Number.isFinite(lowest) ? lowest : null,
    highest: Number.isFinite(highest) ? highest : null,
    highPairs,
    // Larger than what JSON's numbers hold exactly.
    sum: String(sum),
    squares: String(squares),
    k: neighbours?.k ?? null,
    bracket: { low, high },
  };
  await writeFile(join(place, "share.json"), JSON.stringify(facts, null, 2));
}

export function readShare(place: string): Share {
  const facts = JSON.parse(readFileSync(join(place, "share.json"), "utf8"));
  const load = <T>(name: string) =>
    readNpy(readFileSync(join(place, name)), { path: join(place, name) }).data as T;
  const rows = load<Int32Array>("pair_rows.npy");
  const scores = load<Float32Array>("pair_scores.npy");
  const { from, to, highPairs, k, bracket } = facts;
  return {
    from,
    to,
    fine: load<Float64Array>("fine.npy"),
    lowest: facts.lowest ?? Infinity,
    highest: facts.highest ?? -Infinity,
    highPairs,
    sum: BigInt(facts.sum),
    squares: BigInt(facts.squares),
    pairs: Array.from(scores, (similarity, p) => ({ i: rows[2 * p], j: rows[2 * p + 1], similarity })),
    median: {
      ...bracket,
      ...(existsSync(join(place, "median_values.npy"))
        ? { values: load("median_values.npy") }
        : {
            counts: load("median_counts.npy"),
            least: load("median_least.npy"),
            largest: load("median_largest.npy"),
          }),
    } as MedianShare,
    neighbours:
      k === null
        ? undefined
        : {
            k,
            index: load<Int32Array>("neighbours_index.npy"),
            score: load<Float32Array>("neighbours_score.npy"),
          },
  };
}
