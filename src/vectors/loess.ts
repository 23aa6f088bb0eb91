import { firstFrom } from "./first-from.js";
import { quantile } from "./quantile.js";

export interface LoessOptions {
  /**
   * The least reach of a fit to either side, as a share of the whole range; default 0.15. Where points crowd, the nearest ones lie so
   * close together that their slope is noise.
   */
  reach?: number;
  /** Fits with less weight for points far from the fit before, so that outliers do not bend the line; default 2. */
  robustFits?: number;
}

/** The share of the points that each value is fitted to, the nearest ones, and the fewest, where there are so many. */
const share = 0.5;
const fewestPoints = 20;

/**
 * A smooth line through points: at each of `at` a straight line is fitted to the nearest points, with tricube weights by their
 * distance, and then again with bisquare weights by their residuals.
 *
 * @param x ascending
 * @param at ascending, where the line is wanted, from the first x to the last
 * @see Cleveland, Robust locally weighted regression and smoothing scatterplots, JASA 1979. Residuals are taken from the line
 * between the values at `at`, so that a million points cost as many fits as a hundred.
 */
export function loess(
  x: Float64Array,
  y: Float64Array,
  at: Float64Array,
  { reach: leastReach = 0.15, robustFits = 2 }: LoessOptions = {},
): Float64Array {
  const count = Math.min(x.length, Math.max(fewestPoints, Math.ceil(share * x.length)));
  const range = x[x.length - 1] - x[0];
  const trust = new Float64Array(x.length).fill(1);
  let line = fits();
  for (let fit = 0; fit < robustFits; fit++) {
    const residuals = y.map((value, i) => Math.abs(value - between(at, line, x[i])));
    const limit = 6 * quantile(residuals.slice().sort(), 0.5);
    // Half of the points lie on the line: there is nothing to make more robust.
    if (!(limit > 0)) break;
    residuals.forEach((residual, i) => {
      trust[i] = residual < limit ? (1 - (residual / limit) ** 2) ** 2 : 0;
    });
    line = fits();
  }
  return line;

  function fits(): Float64Array {
    let from = 0;
    return at.map((centre) => {
      while (from + count < x.length && x[from + count] - centre < centre - x[from]) from++;
      // A little more than the farthest, which would have no weight.
      const farthest = 1.001 * Math.max(centre - x[from], x[from + count - 1] - centre);
      return fitAt(centre, Math.max(farthest, leastReach * range));
    });
  }

  function fitAt(centre: number, reach: number): number {
    const [from, to] =
      reach > 0 ? [firstFrom(x, centre - reach), firstFrom(x, centre + reach)] : [0, x.length];
    let [weights, meanX, meanY] = [0, 0, 0];
    const weightOf = (i: number) =>
      trust[i] * (reach > 0 ? (1 - (Math.abs(x[i] - centre) / reach) ** 3) ** 3 : 1);
    for (let i = from; i < to; i++) {
      const weight = weightOf(i);
      weights += weight;
      meanX += weight * x[i];
      meanY += weight * y[i];
    }
    meanX /= weights;
    meanY /= weights;
    let [xx, xy] = [0, 0];
    for (let i = from; i < to; i++) {
      const distance = x[i] - meanX;
      const weight = weightOf(i);
      xx += weight * distance * distance;
      xy += weight * distance * (y[i] - meanY);
    }
    // Where all lie at one place, no slope can be told.
    const isFlat = Math.sqrt(xx / weights) <= 1e-3 * range;
    return isFlat ? meanY : meanY + (xy / xx) * (centre - meanX);
  }
}

/** The value of a line at a place between its points. */
function between(at: Float64Array, line: Float64Array, place: number): number {
  const high = Math.min(at.length - 1, Math.max(1, firstFrom(at, place)));
  const low = Math.max(0, high - 1);
  const width = at[high] - at[low];
  return width > 0 ? line[low] + ((place - at[low]) / width) * (line[high] - line[low]) : line[low];
}
