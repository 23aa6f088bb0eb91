import { test } from "uvu";
import * as assert from "uvu/assert";
import { normalizeColumns } from "../../src/features/normalize-columns.js";
import { voice } from "../tiny.js";

for (const byDeviation of [false, true])
  test(`columns get a mean of 0${byDeviation ? " and a deviation of 1" : ""}`, () => {
    const [rows, columns] = [6000, 4];
    const data = voice(2, { seconds: 1.5 }).map((value, i) => 5 * value + (i % columns));
    normalizeColumns({ data, rows, columns }, byDeviation);
    for (let column = 0; column < columns; column++) {
      const values = data.filter((_, i) => i % columns === column);
      const mean = values.reduce((sum, value) => sum + value, 0) / rows;
      assert.ok(Math.abs(mean) < 1e-6, `column ${column}: ${mean}`);
      const deviation = Math.hypot(...values) / Math.sqrt(rows - 1);
      if (byDeviation) assert.ok(Math.abs(deviation - 1) < 1e-4, `column ${column}: ${deviation}`);
    }
  });

test.run();
