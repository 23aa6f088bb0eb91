import { endianness } from "node:os";
import { invalid, shown } from "../errors.js";

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
  const numbers = Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength);
  value.set(numbers, 10);
  if (endianness() === "BE") value.subarray(10).swap32();
  return { key: Buffer.from(`${key} `), value };
}
