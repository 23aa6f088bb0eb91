import { test } from "uvu";
import * as assert from "uvu/assert";
import { packBuffers, unpackBuffers } from "../../kernels/speakerscope/buffers.js";

test("bytes leave a tree with their paths, and come back to them", () => {
  const wide = new Float32Array([9, 1, 2, 9]).subarray(1, 3);
  const { state, paths, buffers } = packBuffers({
    a: wide,
    deep: {
      list: [1, new Uint8Array([7]), { end: new ArrayBuffer(2) }],
      view: new DataView(new ArrayBuffer(1)),
    },
    when: new Date(0),
  });
  assert.equal(state, { deep: { list: [1, null, {}] }, when: "1970-01-01T00:00:00.000Z" });
  assert.equal(paths, [["a"], ["deep", "list", 1], ["deep", "list", 2, "end"], ["deep", "view"]]);
  assert.equal(
    buffers.map((b) => b.buffer.byteLength),
    [8, 1, 2, 1],
    "a part of a larger buffer travels alone",
  );
  const back = unpackBuffers(JSON.parse(JSON.stringify(state)), paths, buffers) as typeof state & {
    a: Uint8Array;
  };
  assert.equal(new Float32Array(back.a.buffer), new Float32Array([1, 2]));
  assert.equal(packBuffers(back).paths.length, 4);
});

test("the caller's tree is left as it is", () => {
  const tree = { list: [new Uint8Array(1)], value: 1 };
  packBuffers(tree);
  assert.ok(tree.list[0] instanceof Uint8Array);
});

test("what JSON would lose is refused with its place", () => {
  const circle: Record<string, unknown> = {};
  circle.self = circle;
  for (const [value, message] of [
    [{ f: { g: () => 1 } }, /function \(f\.g\)/],
    [{ n: [1n] }, /bigint \(n\.0\)/],
    [{ m: new Map([[1, 2]]) }, /a Map \(m\)/],
    [{ circle }, /a circle \(circle\.self\)/],
  ] as const)
    assert.throws(() => packBuffers(value), message);
  const shared = {};
  assert.equal(
    packBuffers({ a: shared, b: shared }).state,
    { a: {}, b: {} },
    "the same object twice is no circle",
  );
});

test("paths that lead nowhere are refused, and cannot reach a prototype", () => {
  const byte = new Uint8Array([1]);
  assert.throws(() => unpackBuffers({}, [["a", "b"]], [byte]), /leads nowhere \(a\.b\)/);
  assert.throws(() => unpackBuffers({}, [["a"], ["b"]], [byte]), /names 2 buffers and has 1/);
  assert.throws(() => unpackBuffers({}, ["a"], [byte]), /no list/);
  assert.throws(() => unpackBuffers({}, [["__proto__", "polluted"]], [byte]), /leads nowhere/);
  unpackBuffers({}, [["__proto__"]], [byte]);
  assert.is(({} as { polluted?: unknown }).polluted, undefined);
  assert.equal(unpackBuffers({ a: 1 }, undefined, []), { a: 1 });
});

test.run();
