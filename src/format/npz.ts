import { unzipSync } from "fflate";
import { invalid, reasonOf } from "../errors.js";

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
    return Object.fromEntries(Object.entries(files).map(([name, file]) => [name.slice(0, -4), file]));
  } catch (cause) {
    throw invalid(`This is not a .npz file that can be read: ${reasonOf(cause)}.`, { path, cause });
  }
}
