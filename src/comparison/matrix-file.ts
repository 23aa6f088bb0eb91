import { randomBytes } from "node:crypto";
import { type FileHandle, mkdir, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { npyHeader } from "../format/npy.js";
import { namePath } from "../util/name-path.js";

/** A .npy file of float32 rows that is written as they come, and is in its place only once it is whole. */
export class MatrixFile {
  private constructor(
    private readonly path: string,
    private readonly temporary: string,
    private readonly file: FileHandle,
  ) {}

  static async create(path: string, shape: [rows: number, columns: number]): Promise<MatrixFile> {
    await mkdir(dirname(path), { recursive: true });
    const temporary = `${path}.${process.pid}.${randomBytes(4).toString("hex")}.tmp`;
    const matrix = new MatrixFile(path, temporary, await open(temporary, "wx"));
    await matrix.guarded(() => matrix.file.appendFile(npyHeader("float32", shape)));
    return matrix;
  }

  write(values: Float32Array): Promise<void> {
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    return this.guarded(() => this.file.appendFile(bytes));
  }

  finish(): Promise<void> {
    return this.guarded(async () => {
      await this.file.sync();
      await this.file.close();
      await rename(this.temporary, this.path);
    });
  }

  async discard(): Promise<void> {
    await this.file.close().catch(() => {});
    await rm(this.temporary, { force: true });
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
