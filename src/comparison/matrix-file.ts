import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { invalid } from "../errors.js";
import { bytesOf } from "../format/nd-array.js";
import { npyHeader, readNpyHeader } from "../format/npy.js";
import { makeFolder } from "../util/make-folder.js";
import { namePath } from "../util/name-path.js";
import { fillAt, readAt } from "../util/read-at.js";
import { guardTemporary, removeLeftovers, temporaryIn } from "../util/temporary.js";
import { withFile } from "../util/with-file.js";
import { refuseFolder } from "../util/write-file.js";
import type { RowBlock } from "./pairs-in-matrix.js";

/** A .npy file of float32 rows, written as they come; it gets its name only once it is complete. */
export class MatrixFile {
  private constructor(
    private readonly path: string,
    private readonly temporary: string,
    private readonly file: FileHandle,
    private readonly guard = guardTemporary(temporary),
  ) {}

  static async create(path: string, shape: [rows: number, columns: number]): Promise<MatrixFile> {
    refuseFolder(path);
    makeFolder(dirname(path));
    removeLeftovers(dirname(path));
    const temporary = temporaryIn(dirname(path));
    const matrix = new MatrixFile(path, temporary, await open(temporary, "wx"));
    await matrix.guarded(() => matrix.file.appendFile(npyHeader("float32", shape)));
    return matrix;
  }

  write(values: Float32Array): Promise<void> {
    return this.guarded(() => this.file.appendFile(bytesOf(values)));
  }

  finish(): Promise<void> {
    return this.guarded(async () => {
      await this.file.sync();
      await this.file.close();
      await rename(this.temporary, this.path);
      this.guard.release();
    });
  }

  async discard(): Promise<void> {
    await this.file.close().catch(() => {});
    await rm(this.temporary, { force: true });
    this.guard.release();
  }

  private async guarded(step: () => Promise<void>): Promise<void> {
    try {
      await step();
    } catch (error) {
      await this.discard();
      throw namePath(error, this.path);
    }
  }
}

/** Values that are read at once. */
const blockValues = 1 << 22;

/**
 * The rows of a similarity_matrix.npy in blocks; undefined unless it holds `shape` float32 numbers, row after row.
 *
 * @throws `invalid` on reaching the end of a file that is cut off
 */
export function matrixBlocks(
  path: string,
  [rows, columns]: [rows: number, columns: number],
): Iterable<RowBlock> | undefined {
  const head = withFile(path, (file) => readNpyHeader(readAt(file, 0, 10_240), { path }));
  const isPlain = head.code === "f4" && !head.bigEndian && !head.fortranOrder;
  if (!isPlain || head.shape.length !== 2 || head.shape[0] !== rows || head.shape[1] !== columns)
    return undefined;
  const step = Math.max(1, Math.floor(blockValues / columns));
  const read = (first: number): RowBlock => {
    const data = new Float32Array(Math.min(step, rows - first) * columns);
    const at = head.dataOffset + 4 * first * columns;
    if (withFile(path, (file) => fillAt(file, new Uint8Array(data.buffer), at)) < data.byteLength)
      throw invalid(`${path} is cut off: it has fewer than ${rows} rows.`, { path });
    return { data, rows: data.length / columns, columns, first };
  };
  return (function* () {
    for (let first = 0; first < rows; first += step) yield read(first);
  })();
}
