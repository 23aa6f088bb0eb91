import { dot } from "./dot.js";

/** The length of a vector, to divide by: 1 for a zero vector. */
export const lengthOf = (vector: Float32Array | Float64Array): number =>
  Math.sqrt(dot(vector, 0, vector, 0, vector.length)) || 1;

/** The vector of length 1 with the direction of another; a zero vector has none, and stays. */
export function unitVector<Vector extends Float32Array | Float64Array>(vector: Vector): Vector {
  const length = lengthOf(vector);
  return vector.map((value) => value / length) as Vector;
}
