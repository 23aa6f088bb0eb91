import { invalid } from "../errors.js";

export type WindowKind = "povey" | "hamming" | "hanning" | "blackman" | "rectangular";

/**
 * The weight of each sample of a frame: Float64Array (length).
 *
 * @param isPeriodic the last weight is the one before the first would come again, as torch.hann_window has it; else the
 * window is symmetric
 */
export function windowWeights(kind: WindowKind, length: number, isPeriodic: boolean): Float64Array {
  const step = (2 * Math.PI) / (isPeriodic ? length : length - 1);
  const weight: Record<WindowKind, (n: number) => number> = {
    povey: (n) => (0.5 - 0.5 * Math.cos(step * n)) ** 0.85,
    hanning: (n) => 0.5 - 0.5 * Math.cos(step * n),
    hamming: (n) => 0.54 - 0.46 * Math.cos(step * n),
    blackman: (n) => 0.42 - 0.5 * Math.cos(step * n) + 0.08 * Math.cos(2 * step * n),
    rectangular: () => 1,
  };
  if (!Object.hasOwn(weight, kind))
    throw invalid(`There is no window "${kind}". Take one of ${Object.keys(weight).join(", ")}.`, {
      got: kind,
    });
  return Float64Array.from({ length }, (_, n) => weight[kind](n));
}
