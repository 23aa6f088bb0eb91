import { suite } from "uvu";
import * as assert from "uvu/assert";
import { bestValues } from "../../src/scoring/best-values.js";
import { near } from "../analysis/reference.js";
import { random } from "../format/random.js";

const best = suite("bestValues");
best("gives mean and deviation of the largest, as sorting does", () => {
  const next = random(7);
  for (const draw of [
    () => next() * 2 - 1,
    // Many are equal, and many lie in one bin.
    () => Math.round(next() * 20) / 10 - 1,
    () => 0.5 + next() * 1e-5,
    () => 1.0000001,
    () => -1.0000001,
  ]) {
    const values = Float32Array.from({ length: 300 }, draw);
    for (const n of [2, 17, 200, 280]) {
      const sorted = Array.from(values.subarray(10, 290))
        .sort((a, b) => b - a)
        .slice(0, n);
      const mean = sorted.reduce((sum, x) => sum + x, 0) / n;
      const std = Math.sqrt(sorted.reduce((sum, x) => sum + (x - mean) ** 2, 0) / n);
      const found = bestValues(values, 10, 290, n);
      assert.ok(near([found.mean, found.std], [mean, std], 1e-9), `${n}: ${found.mean} ${mean}`);
    }
  }
});
best.run();
