import { readSync } from "node:fs";

/** Windows that are kept: containers look from their tables to their packets and back. */
const mostWindows = 4;

/**
 * The bytes of an open file, of which only a few windows are in memory. Arrays that it gives stay good: a window is never
 * written again.
 */
export class FileBytes {
  readonly #windows: { start: number; bytes: Uint8Array }[] = [];

  /**
   * @param file its descriptor, which stays the caller's to close
   * @param windowBytes so much is read at a time
   */
  constructor(
    readonly file: number,
    readonly length: number,
    readonly windowBytes = 1 << 18,
  ) {}

  /** The byte at a place; undefined behind the end. */
  at(index: number): number | undefined {
    return this.subarray(index, index + 1)[0];
  }

  /** The bytes from `start` to before `end`, or as many of them as there are. */
  subarray(start: number, end = this.length): Uint8Array {
    const to = Math.min(end, this.length);
    if (start >= to) return new Uint8Array();
    const held =
      this.#windows.find((window) => start >= window.start && to <= window.start + window.bytes.length) ??
      this.#read(start, Math.max(to, Math.min(start + this.windowBytes, this.length)));
    return held.bytes.subarray(start - held.start, to - held.start);
  }

  #read(start: number, end: number) {
    const bytes = new Uint8Array(end - start);
    let filled = 0;
    while (filled < bytes.length) {
      const count = readSync(this.file, bytes, filled, bytes.length - filled, start + filled);
      if (count === 0)
        throw new Error(
          `the file ends at byte ${start + filled}, although it had ${this.length} when it was opened`,
        );
      filled += count;
    }
    const window = { start, bytes };
    this.#windows.unshift(window);
    if (this.#windows.length > mostWindows) this.#windows.pop();
    return window;
  }
}
