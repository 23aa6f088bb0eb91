import { closeSync, existsSync, openSync, readFileSync, readSync, statSync } from "node:fs";
import { endianness } from "node:os";
import { invalid, missing, unsupported } from "../errors.js";
import { readNpy, readNpyHeader } from "../format/npy.js";
import type { Matrix, SpeakerInfo } from "../types.js";
import type { Rows } from "../vectors/unit-rows.js";
import { readEmbeddings } from "./read-embeddings.js";

/** Rows to compare, and what is known of them. */
export interface Vectors {
  rows: Rows;
  n: number;
  info: SpeakerInfo[];
}

/**
 * Reads what is to be compared: a .npy file of vectors (n, dimension), float32 or float64; or embeddings as
 * `readEmbeddings` does, those of the speakers or of the utterances.
 *
 * @throws `missing` when it is not there; `invalid` for another shape and for a file that is cut off; `unsupported` for
 * other number types
 */
export async function readVectors(
  path: string,
  { level = "speaker" }: { level?: "speaker" | "utterance" } = {},
): Promise<Vectors> {
  if (!existsSync(path)) throw missing("vectors", "file or folder", { path, want: ".npy, .pkl or a folder" });
  if (path.endsWith(".npy")) {
    const rows = readMatrix(path);
    const info = Array.from({ length: rows.rows }, (_, i) => ({
      key: String(i),
      dataset: "",
      speakerId: String(i),
      numUtterances: 1,
    }));
    return { rows, n: rows.rows, info };
  }
  if (level === "speaker") {
    const rows = await readEmbeddings(path);
    return { rows, n: rows.length, info: rows };
  }
  const rows = await readEmbeddings(path, { level: "utterance" });
  return { rows, n: rows.length, info: rows.map((row) => ({ ...row, numUtterances: 1 })) };
}

function readMatrix(path: string): Matrix {
  const file = openSync(path, "r");
  try {
    const { size } = statSync(path);
    const head = new Uint8Array(Math.min(size, 10_240));
    readSync(file, head, 0, head.length, 0);
    const header = readNpyHeader(head, { path });
    const { shape, code, dataOffset, dataLength } = header;
    if (shape.length !== 2)
      throw invalid("vectors", "shape", { got: `(${shape.join(", ")})`, want: "(rows, dimension)", path });
    if (code !== "f4" && code !== "f8")
      throw unsupported("vectors", "number type", {
        got: code,
        want: "f4 or f8 (numpy: x.astype('f4'))",
        path,
      });
    if (size < dataOffset + dataLength)
      throw invalid("vectors", "length", {
        got: `${size} bytes`,
        want: `${dataOffset + dataLength} for ${shape.join(" x ")} values`,
        path,
      });
    const [rows, columns] = shape;
    if (code === "f4" && !header.bigEndian && !header.fortranOrder && endianness() === "LE") {
      const data = new Float32Array(rows * columns);
      // In parts: one call reads at most 2 GB.
      const bytes = new Uint8Array(data.buffer);
      for (let at = 0; at < bytes.length; )
        at += readSync(file, bytes, at, Math.min(1 << 28, bytes.length - at), dataOffset + at);
      return { data, rows, columns };
    }
    const { data } = readNpy(readFileSync(path), { path });
    return { data: Float32Array.from(data as Float64Array), rows, columns };
  } finally {
    closeSync(file);
  }
}
