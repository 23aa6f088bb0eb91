import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { rename, rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { conflict } from "../errors.js";
import { bytesOf } from "../format/nd-array.js";
import { readNpy, writeNpy } from "../format/npy.js";
import { readJsonObject } from "../format/read-json.js";
import type { CheckedRows } from "../similarity/compare.js";
import type { Reduction } from "../similarity/reduction.js";
import type { Range } from "../similarity/tile-queue.js";
import { makeFolder } from "../util/make-folder.js";
import { removeLeftovers, temporaryIn } from "../util/temporary.js";
import { writeFile } from "../util/write-file.js";

/** What block.json says of a block of rows. */
interface Facts {
  vectors: string;
  threshold: number;
  topK: number;
  maxPairs: number;
  /** Null for rows without a pair: JSON has no infinity. */
  lowest: number | null;
  highest: number | null;
  highPairs: number;
  k: number;
}

const factsFile = "block.json";

/** Raised whenever the contents of blocks, or the grid of tiles, change. */
const format = 4;

/** A stored block, and its folder. */
export interface StoredBlock extends Range {
  path: string;
}

/** Blocks of compared rows, in a folder that several machines may fill together. */
export class RowBlocks {
  private readonly home: string;
  private readonly settings: Pick<Facts, "vectors" | "threshold" | "topK" | "maxPairs">;

  constructor(folder: string, { first, second, threshold, topK, maxPairs }: CheckedRows) {
    this.home = join(folder, "similarity_rows");
    const hash = createHash("sha256").update(`${format}`);
    for (const { data, n, dimension } of first === second ? [first] : [first, second])
      hash.update(`${n} ${dimension} `).update(bytesOf(data));
    this.settings = { vectors: hash.digest("hex"), threshold, topK, maxPairs };
  }

  /** The parts of a range of rows that are not stored yet. @throws as `complete` does */
  missing({ from, to }: Range): Range[] {
    const edges = [...this.stored().filter((block) => block.to > from && block.from < to), { from: to, to }];
    return edges
      .map((block, b) => ({ from: b === 0 ? from : edges[b - 1].to, to: block.from }))
      .filter((gap) => gap.to > gap.from);
  }

  /**
   * Computes and stores a block. `fill` may write into the block's folder, which gets its name only once it is complete:
   * a process that is killed leaves no half block.
   */
  async store(rows: Range, fill: (folder: string) => Promise<Reduction>): Promise<void> {
    const place = this.place(rows);
    const temporary = temporaryIn(this.home);
    makeFolder(temporary);
    removeLeftovers(this.home);
    try {
      await this.write(temporary, await fill(temporary));
      await rename(temporary, place).catch((error) => {
        // Another process may have stored the same rows meanwhile.
        if (!existsSync(join(place, factsFile))) throw error;
      });
    } finally {
      await rm(temporary, { recursive: true, force: true });
    }
  }

  /**
   * The blocks that make up rows 0 to n, in order; null while some are missing.
   *
   * @throws `conflict` for blocks that overlap, or were computed from other vectors or settings
   */
  complete(n: number): StoredBlock[] | null {
    return this.missing({ from: 0, to: n }).length > 0 ? null : this.stored();
  }

  /** The stored blocks, in order. */
  private stored(): StoredBlock[] {
    const names = existsSync(this.home) ? readdirSync(this.home) : [];
    const blocks = names
      .filter((name) => /^\d+-\d+$/.test(name))
      .sort()
      .map((name) => {
        const [from, to] = name.split("-").map(Number);
        return { from, to, path: this.place({ from, to }) };
      });
    for (const [b, { from, to, path }] of blocks.entries()) {
      const facts = this.factsOf(path);
      const differences = Object.entries(this.settings).flatMap(([name, value]) => {
        const there = facts[name as keyof Facts];
        if (there === value) return [];
        return name === "vectors" ? "other vectors" : `${name} ${there} instead of ${value}`;
      });
      const which = `Rows ${from}:${to}`;
      if (differences.length > 0)
        throw conflict(
          `${which} were compared with ${differences.join(" and ")}. Use the same input and settings for all rows, or remove ${path}.`,
          { path },
        );
      if (b > 0 && from < blocks[b - 1].to)
        throw conflict(`${which} overlap with those before. Remove one of both: ${path}.`, { path });
    }
    return blocks;
  }

  read({ path: folder }: StoredBlock): Reduction {
    const { lowest, highest, highPairs, k } = this.factsOf(folder);
    const load = <T>(name: string) => {
      const path = join(folder, name);
      return readNpy(readFileSync(path), { path }).data as T;
    };
    return {
      fine: load<Float64Array>("fine.npy"),
      lowest: lowest ?? Infinity,
      highest: highest ?? -Infinity,
      highPairs,
      pairs: { rows: load<Int32Array>("pair_rows.npy"), scores: load<Float32Array>("pair_scores.npy") },
      neighbours: {
        k,
        index: load<Int32Array>("neighbours_index.npy"),
        score: load<Float32Array>("neighbours_score.npy"),
      },
    };
  }

  /** Removes joined blocks, and what dead processes left; others may still be writing. */
  async remove(blocks: readonly StoredBlock[]): Promise<void> {
    for (const { path } of blocks) await rm(path, { recursive: true, force: true });
    removeLeftovers(this.home);
    await rmdir(this.home).catch(() => {});
  }

  /** Whether an error comes from another process having joined and removed the blocks meanwhile. */
  isGone(error: unknown): boolean {
    const { code, path } = error as NodeJS.ErrnoException;
    return code === "ENOENT" && String(path).startsWith(this.home);
  }

  private place({ from, to }: Range): string {
    return join(this.home, [from, to].map((row) => String(row).padStart(9, "0")).join("-"));
  }

  private factsOf(folder: string): Facts {
    return readJsonObject(join(folder, factsFile), "The block of rows") as unknown as Facts;
  }

  private async write(folder: string, reduction: Reduction): Promise<void> {
    const { fine, lowest, highest, highPairs, pairs, neighbours } = reduction;
    const files = {
      fine,
      pair_rows: pairs.rows,
      pair_scores: pairs.scores,
      neighbours_index: neighbours.index,
      neighbours_score: neighbours.score,
    };
    for (const [name, data] of Object.entries(files))
      await writeFile(join(folder, `${name}.npy`), writeNpy(data));
    const finite = (value: number) => (Number.isFinite(value) ? value : null);
    const facts: Facts = {
      ...this.settings,
      lowest: finite(lowest),
      highest: finite(highest),
      highPairs,
      k: neighbours.k,
    };
    await writeFile(join(folder, factsFile), JSON.stringify(facts, null, 2));
  }
}
