import { readAt } from "./read-at.js";

/** Windows that are kept: containers look from their tables to their packets and back. */
const mostWindows = 4;

/**
 * The bytes of an open file, of which only a few windows are in memory. Arrays that it gives stay good: a window is never
 * written again.
 */
export class FileBytes {
  #windows: { start: number; bytes: Uint8Array }[] = [];

  /**
   * @param file its descriptor, which stays the caller's to close
   * @param windowBytes so much is read at a time
   * @param offset where in the file the bytes begin
   */
  constructor(
    readonly file: number,
    readonly length: number,
    readonly windowBytes = 1 << 18,
    readonly offset = 0,
  ) {}

  /** The bytes from `start` to before `end`, of which none is read yet. */
  part(start: number, end = this.length): FileBytes {
    const to = Math.min(end, this.length);
    const from = Math.min(start, to);
    return new FileBytes(this.file, to - from, this.windowBytes, this.offset + from);
  }

  /** The byte at a place; undefined behind the end. */
  at(index: number): number | undefined {
    return this.subarray(index, index + 1)[0];
  }

  /** The bytes from `start` to before `end`, or as many of them as there are. */
  subarray(start = 0, end = this.length): Uint8Array {
    const to = Math.min(end, this.length);
    if (start >= to) return new Uint8Array();
    const held =
      this.#windows.find((window) => start >= window.start && to <= window.start + window.bytes.length) ??
      this.#read(start, Math.max(to, Math.min(start + this.windowBytes, this.length)));
    return held.bytes.subarray(start - held.start, to - held.start);
  }

  #read(start: number, end: number) {
    const from = this.offset + start;
    const { length, buffer } = readAt(this.file, from, end - start);
    if (length < end - start)
      throw new Error(`the file ends at byte ${from + length}: it was cut since it was opened`);
    const window = { start, bytes: new Uint8Array(buffer) };
    this.#windows = [window, ...this.#windows.slice(0, mostWindows - 1)];
    return window;
  }
}
