import { test } from "uvu";
import * as assert from "uvu/assert";
import { isCovered, textWidth } from "../../src/charts/fonts.js";
import { cosine, wrap } from "../../src/charts/text.js";
import { printable } from "../../src/shared/printable.js";
import { quantity, shorten } from "../../src/shared/text.js";

test("printable leaves nothing that XML forbids or that turns text around", () => {
  assert.is(
    printable("a\u0000b\u001bc\ud800d\u202ee\uffff\u2028f"),
    "a\ufffdb\ufffdc\ufffdd\ufffde\ufffd\ufffdf",
  );
  assert.is(printable("<b> & 王小明 😀 é"), "<b> & 王小明 😀 é");
});

test("shorten keeps both ends", () => {
  assert.is(shorten("short", 10), "short");
  assert.is(shorten("dataset-of-forty-letters_speaker-000123", 16), "dataset-…-000123");
  assert.is(Array.from(shorten("x".repeat(500), 26)).length, 26);
});

test("shorten counts a Chinese character as two and never halves a character", () => {
  assert.is(shorten("一二三四五", 10), "一二三四五");
  assert.is(shorten("一二三四五六", 9), "一二…五六");
  assert.not.match(
    shorten("😀".repeat(20), 9),
    /[\ud800-\udfff](?![\udc00-\udfff])(?<![\ud800-\udbff][\udc00-\udfff])/,
  );
});

test("wrap breaks between words", () => {
  assert.equal(wrap("one two three", 60, 12), ["one two", "three"]);
  assert.equal(wrap("", 60, 12), [""]);
  assert.equal(wrap("averyverylongword", 10, 12), ["averyverylongword"]);
});

test("numbers are written as people write them", () => {
  assert.is(quantity(1, "pair"), "1 pair");
  assert.is(quantity(17_994_000, "pair"), "17,994,000 pairs");
  assert.is(cosine(-0.0641), "−0.06");
  assert.is(cosine(-0.001), "0.00");
});

test("text is as wide as the font's own table says", () => {
  // Inter 4.1 Regular, units per em 2048: advance widths of H and i in its hmtx table.
  assert.ok(textWidth("王", 12) === 12);
  assert.ok(textWidth("WWWW", 12) > 2 * textWidth("iiii", 12));
  assert.ok(textWidth("similarity", 12, true) > textWidth("similarity", 12));
  assert.is(textWidth("", 12), 0);
});

test("the bundled font has Latin, Greek and Cyrillic, and knows what it lacks", () => {
  for (const text of ["plain", "Łódź Çağlar Nguyễn", "Ελληνικά", "Русский Українська", "↔ ≥ − … × ·"])
    assert.ok(isCovered(text), text);
  for (const text of ["王小明", "😀", "नमस्ते"]) assert.not.ok(isCovered(text), text);
});

test.run();
