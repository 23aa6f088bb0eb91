import { test } from "uvu";
import * as assert from "uvu/assert";
import { compileSpec } from "../../src/charts/render.js";
import { gallery } from "./gallery.js";

const hostile = [
  "<script>alert(1)</script>",
  `"quoted" 'single' \`back\``,
  "dots.and[brackets]['x']",
  "**bold** [link](javascript:alert(1)) https://example.com",
  "{{datum.x}} \u0024{x} %s datum['y']",
  "a\u0000b\u001b[31m\ud800\u202e",
  "😀👩‍👩‍👧 王小明_语料库",
  "name with\nline\\nbreak & ampersand",
  "__proto__",
  "x".repeat(400),
];
const name = (kind: string, i: number) => `${hostile[(i + kind.length) % hostile.length]}${kind}${i}`;

for (const [chart, make] of Object.entries(gallery(name))) {
  test(`${chart} shows any name as text`, async () => {
    const made = make();
    const svg = await made.toSvg();
    assert.not.match(svg, /<script|<a[ >]|href|<image/i);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: XML forbids them, and resvg refuses the whole picture
    assert.not.match(svg, /[\u0000-\u0008\u000b-\u001f\ufffe\uffff]/);
    assert.equal(compileSpec(made.spec).warnings, []);
    assert.is((await made.toPng({ scale: 0.5 })).toString("latin1", 1, 4), "PNG");
  });

  test(`${chart} has no name in an expression, a field or a format`, () => {
    const own = /alert|quoted|brackets|bold|datum\.x|ampersand|proto/;
    const visit = (value: unknown, key: string) => {
      if (typeof value === "string") {
        if (/^(calculate|filter|test|expr|labelExpr|update|as|field|format|href|url|signal)$/.test(key))
          assert.not.match(value, own, key);
      } else if (value && typeof value === "object") {
        for (const [k, v] of Object.entries(value)) visit(v, Array.isArray(value) ? key : k);
      }
    };
    visit(make().spec, "");
  });
}

test("a name that looks like markup reaches the picture as its letters", async () => {
  const svg = await gallery((kind, i) => `<b>${kind}</b>&${i}`)
    .highPairs()
    .toSvg();
  assert.match(svg, /&lt;b&gt;set&lt;\/b&gt;&amp;0_&lt;b&gt;/);
});

test.run();
