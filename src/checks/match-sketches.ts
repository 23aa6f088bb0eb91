import { sketchBands, sketchStep } from "./sketch.js";

/** How two sketches agree where they agree best. */
export interface SketchMatch {
  /** In -1 to 1. */
  correlation: number;
  /** Seconds by which the second begins later than the first; negative where it begins earlier. */
  lag: number;
  /** Seconds that both have in common there. */
  overlap: number;
}

/** A sketch made ready for comparisons. */
export interface Pattern {
  /** Float32Array (rows, 11): the changes from step to step of the differences between neighbouring bands. */
  data: Float32Array;
  rows: number;
  /** Float64Array (rows + 1): the sum of squares of the rows before. */
  squares: Float64Array;
}

const columns = sketchBands - 1;
/** The two must have this part of the shorter one in common. */
const leastCommon = 0.5;
/** Rows of the probe that finds where a full comparison is worth its time. */
const probeRows = 64;
/** Places where a probe agrees less are not looked at: by chance hardly any reaches it. */
const leastProbe = 0.2;

/**
 * Makes a sketch ready for comparisons. Differences along frequency and time, as in Haitsma and Kalker (A highly robust audio
 * fingerprinting system, ISMIR 2002), take off level, channel and steady noise, and make different speech uncorrelated.
 */
export function patternOf(sketch: Uint8Array): Pattern {
  const rows = Math.max(0, sketch.length / sketchBands - 1);
  const data = new Float32Array(rows * columns);
  const squares = new Float64Array(rows + 1);
  for (let row = 0; row < rows; row++) {
    squares[row + 1] = squares[row];
    for (let c = 0; c < columns; c++) {
      const at = row * sketchBands + c;
      const value = sketch[at + sketchBands + 1] - sketch[at + sketchBands] - sketch[at + 1] + sketch[at];
      data[row * columns + c] = value;
      squares[row + 1] += value * value;
    }
  }
  return { data, rows, squares };
}

/**
 * The best agreement of two sketches over all places of one along the other where at least half of the shorter one lies in
 * both; none where either is empty or does not change.
 */
export function matchSketches(a: Pattern, b: Pattern): SketchMatch | undefined {
  const least = Math.max(1, Math.ceil(leastCommon * Math.min(a.rows, b.rows)));
  if (a.rows < least || b.rows < least) return undefined;
  const [short, long] = a.rows <= b.rows ? [a, b] : [b, a];
  const from = Math.max(0, (short.rows - probeRows) >> 1);
  const to = Math.min(short.rows, from + probeRows);
  let best: { score: number; shift: number; correlation: number; common: number } | undefined;
  // Row i of the short one lies on row i + shift of the long one.
  for (let shift = least - short.rows; shift <= long.rows - least; shift++) {
    if (to - from < short.rows) {
      const [first, last] = [Math.max(from, -shift), Math.min(to, long.rows - shift)];
      if (last - first >= probeRows / 2 && correlationAt(short, long, shift, first, last) < leastProbe)
        continue;
    }
    const [first, last] = [Math.max(0, -shift), Math.min(short.rows, long.rows - shift)];
    const correlation = correlationAt(short, long, shift, first, last);
    const score = strengthOf(correlation, last - first);
    if (best === undefined || score > best.score) best = { score, shift, correlation, common: last - first };
  }
  if (best === undefined) return undefined;
  return {
    correlation: best.correlation,
    lag: (short === a ? -best.shift : best.shift) * sketchStep,
    overlap: best.common * sketchStep,
  };
}

/** Fisher's transform of a correlation in units of its deviation by chance, up to a factor. */
export const strengthOf = (correlation: number, rows: number): number =>
  Math.atanh(Math.max(-0.999, Math.min(0.999, correlation))) * Math.sqrt(rows);

function correlationAt(a: Pattern, b: Pattern, shift: number, first: number, last: number): number {
  if (last <= first) return 0;
  const square = (a.squares[last] - a.squares[first]) * (b.squares[last + shift] - b.squares[first + shift]);
  if (square === 0) return 0;
  let sum = 0;
  const offset = shift * columns;
  for (let i = first * columns; i < last * columns; i++) sum += a.data[i] * b.data[i + offset];
  return sum / Math.sqrt(square);
}
