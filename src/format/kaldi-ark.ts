import { invalid, shown, unsupported } from "../errors.js";
import { bytesOf } from "./nd-array.js";

/**
 * A vector in a binary archive of Kaldi (`FV`, float32).
 *
 * Source: Kaldi, kaldi-vector.cc (Vector::Write) and kaldi-holder-inl.h.
 *
 * @throws `invalid` for a key with white space or none, which no archive can have
 */
export function arkVector(key: string, vector: Float32Array): { key: Buffer; value: Buffer } {
  if (key === "" || /\s/.test(key))
    throw invalid(
      `The key ${shown(key)} is empty or has white space in it, which Kaldi's archives cannot have.`,
      {
        got: key,
      },
    );
  const value = Buffer.alloc(10 + 4 * vector.length);
  value.write("\0BFV \x04", 0, "latin1");
  value.writeInt32LE(vector.length, 6);
  value.set(bytesOf(vector), 10);
  return { key: Buffer.from(`${key} `), value };
}

/**
 * The vectors of a binary archive of Kaldi, one after the other.
 *
 * @throws `invalid` for an archive that is cut off, `unsupported` for one of text or of something else than vectors
 */
export function* arkVectors(
  bytes: Buffer,
  { path }: { path: string },
): Generator<{ key: string; vector: Float32Array }> {
  for (let at = 0; at < bytes.length; ) {
    const blank = bytes.indexOf(0x20, at);
    if (blank < 0) throw invalid(`${path} is cut off in a key at byte ${at}.`, { path });
    const key = bytes.toString("utf8", at, blank);
    const { vector, end } = arkVectorAt(bytes, blank + 1, { path });
    yield { key, vector };
    at = end;
  }
}

/** The vector that begins at a byte, as a list of Kaldi (.scp) names it; float64 becomes float32. */
export function arkVectorAt(
  bytes: Buffer,
  offset: number,
  { path }: { path: string },
): { vector: Float32Array; end: number } {
  const kind = bytes.toString("latin1", offset, offset + 6);
  const width = kind === "\0BFV \x04" ? 4 : kind === "\0BDV \x04" ? 8 : undefined;
  if (width === undefined)
    throw unsupported(
      `At byte ${offset} of ${path} there is no binary vector of Kaldi. Matrices and archives of text are not read: write vectors with copy-vector ark:... ark:...`,
      { path },
    );
  const begin = offset + 10;
  const count = begin <= bytes.length ? bytes.readInt32LE(offset + 6) : -1;
  const end = begin + count * width;
  if (count < 0 || end > bytes.length)
    throw invalid(`${path} is cut off in the vector at byte ${offset}.`, { path });
  const vector = new Float32Array(count);
  for (let i = 0; i < count; i++)
    vector[i] = width === 4 ? bytes.readFloatLE(begin + 4 * i) : bytes.readDoubleLE(begin + 8 * i);
  return { vector, end };
}
