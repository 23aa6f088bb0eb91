import { test } from "uvu";
import * as assert from "uvu/assert";
import { byLength } from "../../src/extract/by-length.js";

const columns = 2;
const bytesOf = (rows: number) => rows * columns * 4;

/** An utterance of so many frames, with a name. */
const utterance = (name: string, rows: number) => ({
  name,
  features: { data: new Float32Array(rows * columns), rows, columns },
});
type Named = ReturnType<typeof utterance>;
const names = (items: readonly Named[]) => items.map(({ name }) => name).join("");

test("utterances of one length run as soon as there is a batch of them", () => {
  const waiting = byLength<Named>(2);
  assert.is(names(waiting.add(utterance("a", 5))), "");
  assert.is(names(waiting.add(utterance("b", 6))), "");
  assert.is(names(waiting.add(utterance("c", 5))), "ac");
  assert.is(names(waiting.add(utterance("d", 5))), "");
  assert.equal(waiting.rest().map(names), ["b", "d"]);
  assert.equal(waiting.rest(), []);
});

test("with batches of one nothing waits", () => {
  const waiting = byLength<Named>(1);
  for (const name of "abc") assert.is(names(waiting.add(utterance(name, 5))), name);
  assert.equal(waiting.rest(), []);
});

test("when too much waits, the length with the most utterances runs, or the one that came first", () => {
  const waiting = byLength<Named>(9, bytesOf(20));
  for (const [name, rows] of [
    ["a", 5],
    ["b", 6],
    ["c", 6],
  ] as const)
    assert.is(names(waiting.add(utterance(name, rows))), "");
  assert.is(names(waiting.add(utterance("d", 4))), "bc", "21 frames are more than 20");
  assert.is(names(waiting.add(utterance("e", 12))), "a", "all lengths have one");
  assert.equal(waiting.rest().map(names), ["d", "e"]);
});

test.run();
