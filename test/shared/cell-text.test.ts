import { test } from "uvu";
import * as assert from "uvu/assert";
import { columnTexts, short } from "../../src/shared/cell-text.js";

test("numbers of a column have one number of decimals", () => {
  assert.equal(columnTexts([0.84276, 0.918865, null]), ["0.842760", "0.918865", ""]);
  assert.equal(columnTexts([5, 5.6, Number.NaN]), ["5.0", "5.6", "NaN"]);
  assert.equal(columnTexts([0.25513969, 0.00020374898, 0]), ["0.255140", "0.000204", "0.000000"]);
  assert.equal(columnTexts([1, 20, 300]), ["1", "20", "300"]);
  assert.equal(columnTexts(["a", 1.5]), ["a", "1.5"]);
  // No digit is made up: both had four.
  assert.equal(columnTexts([0.1429, 1.286]), ["0.143", "1.286"]);
  assert.equal(columnTexts([]), []);
});

test("where a small number would lose by that, a column is as it is", () => {
  assert.equal(columnTexts([1000.5, 0.25]), ["1000.5", "0.25"]);
  assert.equal(columnTexts([1e-9, 0.5]), ["1e-9", "0.5"]);
  assert.equal(columnTexts([1e30, 0.5]), ["1e+30", "0.5"]);
  assert.equal(columnTexts([0.5, 1e-7]), ["0.5", "1e-7"]);
});

test("short lists and records are words, without quotes and with few digits", () => {
  assert.is(short(["ge2e-256"]), "ge2e-256");
  assert.is(short([1, 2, 3, 4, 5, 6, 7, 8]), "1, 2, 3, 4, 5, 6, 2 more");
  assert.is(short({ a: 0.3757509953670353, b: "x" }), "a: 0.375751, b: x");
  assert.is(short({ a: { b: 1 } }), "{ a: { b: 1 } }");
  assert.is(short([]), "");
});

test.run();
