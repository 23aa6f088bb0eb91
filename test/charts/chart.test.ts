import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Ajv from "ajv";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { jupyterDisplay, panelTitle } from "../../src/charts/chart.js";
import * as charts from "../../src/charts/index.js";
import { compileSpec, renderSvg } from "../../src/charts/render.js";
import { gallery } from "./gallery.js";

const schema = JSON.parse(readFileSync(require.resolve("vega-lite/build/vega-lite-schema.json"), "utf8"));
const formats = { "color-hex": true, uri: true, "uri-reference": true } as const;
const isValid = new Ajv({ strict: false, formats }).compile(schema);

test("the title and the subtitle of a panel wrap to its width", () => {
  const { subtitle, text } = panelTitle("Lengths", "one of many words ".repeat(12).trim(), 300);
  assert.is(text, "Lengths");
  assert.ok(Array.isArray(subtitle) && subtitle.length > 2);
  for (const line of subtitle) assert.ok(line.length * 6 < 340, line);
});

test("every exported chart is in the gallery", () => {
  const shown = Object.keys(gallery());
  const functions = Object.entries(charts).filter(([, value]) => typeof value === "function");
  assert.equal(
    functions.map(([name]) => name).filter((name) => !shown.includes(name)),
    // It draws what the user specifies.
    ["vegaChart"],
  );
});

for (const [name, make] of Object.entries(gallery())) {
  test(`${name} is valid Vega-Lite 5, and neither the compiler nor the view warns`, async () => {
    const { spec } = make();
    assert.ok(isValid(spec), JSON.stringify(isValid.errors?.slice(0, 3)));
    assert.equal(compileSpec(spec).warnings, []);
    const warnings: string[] = [];
    await renderSvg(spec, (warning) => warnings.push(warning));
    // Without a browser there is no window to release the mouse in.
    assert.equal(
      warnings.filter((warning) => warning !== "Can not resolve event source: window"),
      [],
    );
    assert.is(JSON.stringify(JSON.parse(JSON.stringify(spec))), JSON.stringify(spec));
  });

  test(`${name} says in words what is seen`, () => {
    const { spec } = make();
    assert.match(spec.description, /^[A-Z].{20,}\.$/);
    assert.not.match(spec.description, /undefined|NaN|null|Infinity|\[object/);
    assert.not.match(JSON.stringify(spec.title), /undefined|NaN|null|Infinity|\[object/);
  });
}

test("a chart shows itself as Vega-Lite, as a picture and as words", async () => {
  const chart = gallery().distribution();
  const shown = await chart[jupyterDisplay]();
  assert.equal(Object.keys(shown), ["application/vnd.vegalite.v5+json", "image/png", "text/plain"]);
  assert.equal(shown["application/vnd.vegalite.v5+json"], chart.spec);
  assert.is(Buffer.from(String(shown["image/png"]), "base64").toString("latin1", 1, 4), "PNG");
  assert.is(shown["text/plain"], chart.spec.description);
  assert.is(JSON.stringify(chart), JSON.stringify(chart.spec));
});

test("the scale multiplies the pixels of a picture", async () => {
  const chart = gallery().distribution();
  const widthOf = (png: Buffer) => png.readUInt32BE(16);
  const [one, two] = [await chart.toPng({ scale: 1 }), await chart.toPng()];
  assert.ok(Math.abs(widthOf(two) - 2 * widthOf(one)) <= 1);
});

test("pictures have the same bytes in another process, home, time zone and language", async () => {
  const script = `
    const { gallery } = require(${JSON.stringify(join(__dirname, "gallery.ts"))});
    (async () => {
      for (const name of ["heatmap", "similarityOverview", "utteranceMap"]) {
        const hash = require("node:crypto").createHash("sha256");
        console.log(hash.update(await gallery()[name]().toPng()).digest("hex"));
      }
    })();`;
  const home = mkdtempSync(join(tmpdir(), "charts-"));
  const env = { ...process.env, HOME: home, TZ: "Asia/Tokyo", LANG: "de_DE.UTF-8", LC_ALL: "de_DE.UTF-8" };
  const { stdout, stderr } = spawnSync(process.execPath, ["--import", "tsx", "-e", script], {
    env,
    encoding: "utf8",
  });
  const here = [];
  for (const name of ["heatmap", "similarityOverview", "utteranceMap"])
    here.push(
      createHash("sha256")
        .update(await gallery()[name]().toPng())
        .digest("hex"),
    );
  assert.equal(stdout.trim().split("\n"), here, stderr);
});

test("drawing is silent and does not load anything from outside", async () => {
  const { distribution } = gallery();
  const written: unknown[] = [];
  const { log, warn, error } = console;
  Object.assign(console, {
    log: (...x: unknown[]) => written.push(x),
    warn: (...x: unknown[]) => written.push(x),
    error: (...x: unknown[]) => written.push(x),
  });
  try {
    const spec = {
      ...distribution().spec,
      layer: undefined,
      data: { url: "file:///etc/hostname" },
      mark: "point",
    };
    await renderSvg(spec as never).then(assert.unreachable, (refused: Error) =>
      assert.match(refused.message, "takes data from file:///etc/hostname"),
    );
    await distribution().toPng();
  } finally {
    Object.assign(console, { log, warn, error });
  }
  assert.equal(written, []);
});

test("charts load neither vega nor resvg before the first picture", () => {
  const script = `
    require(${JSON.stringify(join(__dirname, "../../src/charts/index.ts"))}).waveform({ samples: new Float32Array(9), sampleRate: 8 });
    console.log(Object.keys(require.cache).filter((path) => /node_modules.(vega|@resvg|opentype)/.test(path)).length);`;
  const { stdout, stderr } = spawnSync(process.execPath, ["--import", "tsx", "-e", script], {
    encoding: "utf8",
  });
  assert.is(stdout.trim(), "0", stderr);
});

test("few speakers of a map differ in shape as well as in colour, and 32 in one of the two", () => {
  const rows = Array.from({ length: 32 }, (_, k) => ({ x: k, y: k, utteranceId: "u", speakerKey: `s${k}` }));
  const { color, shape } = charts.utteranceMap(rows, { maxSpeakers: 32 }).spec.encoding as Record<
    "color" | "shape",
    { scale: { range: string[] } }
  >;
  const [hues, shapes] = [color.scale.range, shape.scale.range];
  assert.is(new Set(shapes.slice(0, 4)).size, 4);
  assert.is(new Set(hues.slice(0, 4)).size, 4);
  assert.is(new Set(hues.map((hue, k) => `${hue} ${shapes[k]}`)).size, 32);
});

test.run();
