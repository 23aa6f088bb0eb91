import { test } from "uvu";
import * as assert from "uvu/assert";
import { jupyterDisplay } from "../../src/charts/chart.js";
import { vegaChart } from "../../src/charts/vega-chart.js";

const rows = { values: [{ name: "ann", n: 3 }] };
const lite = {
  $schema: "https://vega.github.io/schema/vega-lite/v5.json",
  title: "Who spoke",
  data: rows,
  mark: "bar",
  encoding: { x: { field: "n", type: "quantitative" }, y: { field: "name" } },
};

test("a Vega-Lite specification of one's own is a chart like any other", async () => {
  const chart = vegaChart(lite);
  assert.match(await chart.toSvg(), /Who spoke/);
  const bundle = await chart[jupyterDisplay]();
  assert.equal(bundle["application/vnd.vegalite.v5+json"], { ...lite, description: "Who spoke" });
  assert.is(bundle["text/plain"], "Who spoke");
  assert.is(Buffer.from(bundle["image/png"], "base64").toString("latin1", 1, 4), "PNG");
});

test("a Vega specification is, too, and goes under its own type", async () => {
  const chart = vegaChart({
    $schema: "https://vega.github.io/schema/vega/v5.json",
    width: 50,
    height: 50,
    marks: [{ type: "text", encode: { enter: { text: { value: "alone" }, y: { value: 20 } } } }],
  });
  assert.match(await chart.toSvg(), />alone</);
  assert.ok("application/vnd.vega.v5+json" in (await chart[jupyterDisplay]()));
});

test("a chart that would load its data is refused, and would otherwise be empty", async () => {
  const error = await vegaChart({ ...lite, data: { url: "data/cars.json" } })
    .toSvg()
    .then(
      () => null,
      (e: Error) => e,
    );
  assert.match(
    error?.message ?? "",
    /^The chart takes data from data\/cars\.json, .*data: \{ values: rows \}/,
  );
});

test("an object with another schema is no chart", () => {
  assert.throws(
    () => vegaChart({ $schema: "http://json-schema.org/draft-07/schema#" }),
    /not the schema of a chart/,
  );
});

test.run();
