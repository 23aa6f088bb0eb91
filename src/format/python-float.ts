import { invalid } from "../errors.js";

/** A number that Python shall see as a float even when it is whole; see `float`. */
export class PythonFloat {
  constructor(readonly value: number) {}
}

/**
 * Marks a number as a float for `pythonJson` and `writePickle`, which otherwise write whole numbers as int.
 *
 * @example
 * pythonJson({ count: 1, mean: float(1) }); // {"count": 1, "mean": 1.0}
 */
export const float = (value: number) => new PythonFloat(value);

/**
 * A float64 as Python's `repr` writes it: the shortest digits that give the same number, `1.0`, `1e-05`, `1e+16`.
 *
 * @param subject what the error names
 * @throws invalid for NaN and the infinities, which JSON does not have
 */
export function pythonRepr(value: number, subject = "The number"): string {
  if (!Number.isFinite(value))
    throw invalid(`${subject} is ${value}. JSON and Python's repr need a finite number here.`, {
      got: value,
    });
  if (Object.is(value, -0)) return "-0.0";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e16))
    return value.toExponential().replace(/e([+-])(\d)$/, "e$10$2");
  return Number.isInteger(value) ? `${value}.0` : String(value);
}
