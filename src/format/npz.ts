import { crc32 } from "node:zlib";
import { unzipSync, Zip, ZipPassThrough } from "fflate";
import { invalid, reasonOf, unsupported } from "../errors.js";

/** More than this in one array does not fit into memory: a small file may claim any size. */
const longestArray = 2 ** 32;

/**
 * The .npy files in a .npz, as `np.savez` and `np.savez_compressed` write it, by their names without `.npy`.
 *
 * @throws invalid for what is no .npz or broken
 */
export function readNpz(bytes: Uint8Array, { path }: { path?: string } = {}): Record<string, Uint8Array> {
  try {
    const files = unzipSync(bytes, {
      filter: ({ name, originalSize }) => {
        if (originalSize > longestArray) throw new Error(`${name} is too large (${originalSize} bytes)`);
        return name.endsWith(".npy");
      },
    });
    const sums = checksumsOf(bytes);
    for (const [name, file] of Object.entries(files))
      if (crc32(file) !== sums.get(name)) throw new Error(`${name} is damaged (its checksum does not hold)`);
    return Object.fromEntries(Object.entries(files).map(([name, file]) => [name.slice(0, -4), file]));
  } catch (cause) {
    throw invalid(`This is not a .npz file that can be read: ${reasonOf(cause)}.`, { path, cause });
  }
}

/** The CRC-32 of each file in a zip, as its central directory has them; fflate does not look at them. */
function checksumsOf(bytes: Uint8Array): Map<string, number> {
  const zip = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = zip.lastIndexOf(Buffer.from("PK\x05\x06", "latin1"));
  const sums = new Map<string, number>();
  for (let at = zip.readUInt32LE(end + 16), left = zip.readUInt16LE(end + 10); left > 0; left--) {
    const [name, extra, comment] = [28, 30, 32].map((field) => zip.readUInt16LE(at + field)) as [
      number,
      number,
      number,
    ];
    const encoding = zip.readUInt16LE(at + 8) & 0x800 ? "utf8" : "latin1";
    sums.set(zip.toString(encoding, at + 46, at + 46 + name), zip.readUInt32LE(at + 16));
    at += 46 + name + extra + comment;
  }
  return sums;
}

/** The largest size that a zip file without Zip64 can express. */
const largestZip = 2 ** 32 - 1;

/**
 * A .npz file as `np.savez` writes it (not compressed), in chunks as the arrays come.
 *
 * @param arrays by name, the chunks of each .npy file
 * @throws unsupported beyond 4 GiB
 */
export async function* npzBytes(
  arrays: Record<string, Iterable<Uint8Array> | AsyncIterable<Uint8Array>>,
): AsyncGenerator<Uint8Array> {
  let chunks: Uint8Array[] = [];
  let size = 0;
  const zip = new Zip((error, chunk) => {
    if (error !== null) throw error;
    chunks.push(chunk);
    size += chunk.length;
  });
  for (const [name, content] of Object.entries(arrays)) {
    const file = new ZipPassThrough(`${name}.npy`);
    // A fixed time, so that equal arrays give equal bytes.
    file.mtime = new Date(1980, 0, 1);
    zip.add(file);
    for await (const chunk of content) {
      file.push(chunk);
      yield* chunks;
      chunks = [];
      if (size > largestZip)
        throw unsupported(
          "The .npz file would be larger than 4 GiB, which is more than it can hold. Write Parquet.",
        );
    }
    file.push(new Uint8Array(0), true);
  }
  zip.end();
  yield* chunks;
}
