import { readSync } from "node:fs";

/** Bytes of an open file from a place on; fewer where it ends before. */
export function readAt(file: number, offset: number, length: number): Buffer<ArrayBuffer> {
  const bytes = Buffer.allocUnsafeSlow(length);
  return bytes.subarray(0, fillAt(file, bytes, offset));
}

/** Fills an array with the bytes of an open file from a place on; gives how many there were. */
export function fillAt(file: number, bytes: Uint8Array, offset: number): number {
  let filled = 0;
  for (let count = -1; count !== 0 && filled < bytes.length; filled += count)
    // One call reads less than 2 GiB.
    count = readSync(file, bytes, filled, Math.min(bytes.length - filled, 1 << 30), offset + filled);
  return filled;
}
