import { unsupported } from "../errors.js";

/** The parts of danfojs's DataFrame and Series that are used here. */
interface Frame {
  columns: string[];
  index: (string | number)[];
  values: unknown[];
  column(name: string): { values: unknown[] };
  iloc(rows: { rows: number[] }): Frame;
  $setValues(values: unknown[]): void;
  $setIndex(index: (string | number)[]): void;
}
interface Series extends Omit<Frame, "iloc"> {
  iloc(rows: number[]): Series;
}
interface Danfo {
  DataFrame: { prototype: object; new (data: object, options: object): object };
  Series: { prototype: object };
}

const mended = new WeakSet<object>();

/**
 * Makes danfojs treat missing values as pandas does, once for the process. Its own `describe` throws at a null, its sorting
 * leaves rows with NaN in the middle of unsorted ones and takes time that grows with n², and `plot` says only that it is not
 * supported.
 */
export function mendFrames({ DataFrame, Series }: Danfo): void {
  if (mended.has(DataFrame)) return;
  mended.add(DataFrame);
  // What a method gives (head, column) is of the class that these two extend.
  const frames = Object.getPrototypeOf(DataFrame.prototype);
  const { sortValues } = frames as { sortValues(this: Frame, ...given: unknown[]): unknown };
  Object.assign(frames, {
    describe(this: Frame) {
      const columns = this.columns.flatMap((name) => {
        const numbers = this.column(name).values.filter((value) => typeof value === "number");
        return numbers.length > 0 ? [[name, Object.values(statistics(numbers))] as const] : [];
      });
      return new DataFrame(Object.fromEntries(columns), { index: Object.keys(statistics([])) });
    },
    sortValues(this: Frame, column: string, { ascending = true, inplace = false } = {}) {
      // For its error about a column that is not there.
      if (!this.columns.includes(column)) return sortValues.call(this, column);
      return replaced(this, this.iloc({ rows: orderOf(this.column(column).values, ascending) }), inplace);
    },
    plot() {
      throw unsupported(
        "Plots of danfojs need a browser. Use a chart of speakerscope (heatmap, distribution, boxPlot, …), or show a Vega-Lite specification with data: { values: toJSON(df) }, with the toJSON of danfojs-node.",
      );
    },
  });
  Object.assign(Object.getPrototypeOf(Series.prototype), {
    sortValues(this: Series, { ascending = true, inplace = false } = {}) {
      return replaced(this, this.iloc(orderOf(this.values, ascending)), inplace);
    },
    plot: frames.plot,
  });
}

function replaced<F extends Pick<Frame, "values" | "index" | "$setValues" | "$setIndex">>(
  frame: F,
  sorted: Pick<Frame, "values" | "index">,
  inplace: boolean,
): unknown {
  if (!inplace) return sorted;
  frame.$setValues(sorted.values);
  frame.$setIndex(sorted.index);
  return undefined;
}

/** The rows in the order of their values, equal ones as they were, missing ones last. */
function orderOf(values: readonly unknown[], ascending: boolean): number[] {
  const isMissing = (value: unknown) => value === null || value === undefined || Number.isNaN(value);
  const known = [...values.keys()].filter((row) => !isMissing(values[row]));
  const sign = ascending ? 1 : -1;
  known.sort((p, q) => {
    const [a, b] = [values[p] as number, values[q] as number];
    return a < b ? -sign : a > b ? sign : 0;
  });
  return [...known, ...[...values.keys()].filter((row) => isMissing(values[row]))];
}

/** Of the numbers that are not NaN; standard deviation and variance are those of a sample, as in pandas. */
function statistics(values: readonly number[]) {
  const numbers = Float64Array.from(values.filter((value) => !Number.isNaN(value))).sort();
  const n = numbers.length;
  const mean = numbers.reduce((sum, x) => sum + x, 0) / n;
  const variance = n < 2 ? Number.NaN : numbers.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (n - 1);
  const at = (position: number) => numbers[position] ?? Number.NaN;
  return {
    count: n,
    mean,
    std: Math.sqrt(variance),
    min: at(0),
    median: n === 0 ? Number.NaN : (at((n - 1) >> 1) + at(n >> 1)) / 2,
    max: at(n - 1),
    variance,
  };
}
