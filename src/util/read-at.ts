import { readSync } from "node:fs";

/** Bytes of an open file from a place on; fewer where it ends before. */
export function readAt(file: number, offset: number, length: number): Buffer<ArrayBuffer> {
  const bytes = Buffer.allocUnsafeSlow(length);
  let filled = 0;
  for (let count = -1; count !== 0 && filled < length; filled += count)
    // One call reads less than 2 GiB.
    count = readSync(file, bytes, filled, Math.min(length - filled, 1 << 30), offset + filled);
  return bytes.subarray(0, filled);
}
