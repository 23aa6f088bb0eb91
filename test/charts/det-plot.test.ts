import { test } from "uvu";
import * as assert from "uvu/assert";
import { detPlot } from "../../src/charts/det-plot.js";

const points = [0.2, 0.5, 0.8].map((threshold) => ({
  threshold,
  missRate: threshold,
  falseAlarmRate: 1 - threshold,
}));

test("several systems are curves of one chart, with a colour and a name each", () => {
  const { spec } = detPlot({ cosine: points, "AS-norm": points }, { eer: { "AS-norm": 0.5 } });
  const text = JSON.stringify(spec);
  assert.match(text, /"domain":\["cosine","AS-norm"\]/);
  assert.match(text, /equal error rate AS-norm 50/);
});

test("what does not fit together is refused", () => {
  const many = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`s${i}`, points]));
  assert.throws(() => detPlot(many), /detPlot has 9 systems\. It draws 1 to 8/);
  assert.throws(() => detPlot({ a: points }, { eer: 0.1 }), /give their equal error rates by name/);
  assert.throws(() => detPlot({ a: points }, { eer: { b: 0.1 } }), /no curve of that name/);
  assert.throws(() => detPlot(points, { eer: { b: 0.1 } }), /one curve/);
  assert.throws(() => detPlot({ a: [{ threshold: 1 }] as never }), /needs a column missRate/);
});

test.run();
