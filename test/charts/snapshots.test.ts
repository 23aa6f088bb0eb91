import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { gallery } from "./gallery.js";
import { snapshot } from "./snapshot.js";

for (const [name, make] of Object.entries(gallery())) {
  test(`${name} is the chart that was looked at`, async () => {
    const chart = make();
    snapshot(`${name}.json`, `${JSON.stringify(chart.spec, null, 1)}\n`);
    snapshot(`${name}.svg`, (await chart.toSvg()).replaceAll("><", ">\n<"));
  });
}

test("there is no snapshot of a chart that is gone", () => {
  const known = Object.keys(gallery());
  const files = readdirSync(join(__dirname, "snapshots")).map((file) => file.split(".")[0]);
  assert.equal([...new Set(files)].sort(), [...known].sort());
});

test.run();
