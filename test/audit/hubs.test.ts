import { test } from "uvu";
import * as assert from "uvu/assert";
import { hubs } from "../../src/audit/hubs.js";

/** Eight rows of as many names, each with two people it may be of. */
const candidates = {
  k: 2,
  people: Int32Array.from([8, 9, 8, 9, 8, 9, 8, 9, 8, 9, 8, 9, 8, 9, 8, -1]),
  scores: Float32Array.from([30, 25, 28, -3, 24, -4, 20, -5, 16, -6, 12, -7, 8, -8, 4, 0]),
};
const options = { count: 10, wrongOf: () => 0 };

test("hubs says what strangers get with a person whom many names resemble, but for the best of them", () => {
  const found = hubs(candidates, (row) => row, options);
  assert.is(found[8], 20);
});

test("hubs takes nothing off a person whom few names resemble", () => {
  assert.is(hubs(candidates, (row) => row, options)[9], 0);
});

test("hubs counts rows of one name once", () => {
  assert.is(hubs(candidates, (row) => row >> 1, options)[8], 8);
});

test("hubs leaves out more of the best where more wrong labels hide a person", () => {
  const wrongOf = (person: number) => Number(person === 8);
  assert.is(hubs(candidates, (row) => row, { ...options, wrongOf })[8], 12);
});

test.run();
