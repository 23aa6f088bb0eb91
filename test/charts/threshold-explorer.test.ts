import { test } from "uvu";
import * as assert from "uvu/assert";
import { parse, View } from "vega";
import { thresholdExplorer } from "../../src/charts/index.js";
import { compileSpec } from "../../src/charts/render.js";
import { reference, someMatrix, summary } from "./data.js";

/** The texts of the chart after its slider was moved. */
async function texts(chart: ReturnType<typeof thresholdExplorer>, threshold: number): Promise<string[]> {
  const view = new View(parse(compileSpec(chart.spec).vega), { renderer: "none", logLevel: 0 });
  await view.runAsync();
  await view.signal("pick_from", threshold).runAsync();
  const svg = await view.toSVG();
  view.finalize();
  return [...svg.matchAll(/<text[^>]*>([^<]*)/g)].map(([, text]) => text);
}

test("the slider changes how many pairs lie above, and which are listed", async () => {
  const chart = thresholdExplorer(reference);
  const at25 = await texts(chart, 0.25);
  assert.ok(at25.includes("5 pairs at or above 0.25 (11.11% of 45 pairs)"), at25.join("\n"));
  assert.is(at25.filter((text) => text.includes("↔")).length, 5);
  const at35 = await texts(chart, 0.35);
  assert.ok(at35.includes("1 pair at or above 0.35 (2.22% of 45 pairs)"), at35.join("\n"));
  assert.equal(
    at35.filter((text) => text.includes("↔")),
    ["test-other_2033 ↔ test-other_2414"],
  );
});

test("below the pairs that were given, it says that the list ends instead of listing wrongly", async () => {
  const at0 = await texts(thresholdExplorer(reference), 0);
  assert.ok(at0.includes("41 pairs at or above 0.00 (91.11% of 45 pairs)"), at0.join("\n"));
  assert.is(at0.filter((text) => text.includes("↔")).length, 0);
  assert.ok(at0.some((text) => text.startsWith("The list begins at")));
});

test("of many pairs, those just above the line are listed wherever it stands", async () => {
  const many = summary(someMatrix(120), -1);
  const chart = thresholdExplorer(many, { maxPairs: 8, threshold: 0.3 });
  assert.ok(JSON.stringify(chart.spec).length < 3e5);
  const sorted = many.pairs.map(({ similarity }) => similarity).sort((a, b) => a - b);
  for (const threshold of [0.1, 0.42, 0.6]) {
    const shown = (await texts(chart, threshold)).filter((text) => /^0\.\d{3}$/.test(text));
    const expected = sorted.filter((similarity) => similarity >= threshold).slice(0, 8);
    assert.equal(
      shown,
      expected.reverse().map((similarity) => similarity.toFixed(3)),
    );
  }
});

test("the line starts at the threshold of the statistics, or where it is told", async () => {
  assert.match(await thresholdExplorer(reference).toSvg(), /5 pairs at or above 0\.25/);
  assert.match(await thresholdExplorer(reference, { threshold: 0.8 }).toSvg(), /0 pairs at or above 0\.80/);
});

test("a threshold of 1 stands at the last bin, where equal embeddings are", async () => {
  const equal = summary(someMatrix(3, { low: 1, high: 1 }), 1);
  assert.match(await thresholdExplorer(equal).toSvg(), /3 pairs at or above 0\.99/);
});

test("a threshold that no cosine can have is an error", () => {
  assert.throws(() => thresholdExplorer(reference, { threshold: Number.NaN }), /threshold is NaN/);
});

test("without pairs there is nothing to explore", async () => {
  assert.match(await thresholdExplorer(summary(someMatrix(1), 0.5)).toSvg(), /No pairs/);
});

test.run();
