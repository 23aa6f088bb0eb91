import { test } from "uvu";
import * as assert from "uvu/assert";
import { cutSpeech } from "../../src/vad/cut-speech.js";
import type { SpeechSegment } from "../../src/vad/speech-segments.js";
import { random } from "../../src/vectors/random.js";

/** Segments of a recording, in the order of time. */
function recording(next: () => number): SpeechSegment[] {
  let at = next();
  return Array.from({ length: 1 + Math.floor(12 * next()) }, () => {
    const start = at + 0.1 + 1.2 * next() ** 2;
    at = start + 0.3 + 12 * next() ** 3;
    return { start, end: at };
  });
}

const close = (a: number, b: number) => Math.abs(a - b) < 0.002;

test("cuts are half to twice as long as asked, in order, and without overlap", () => {
  const next = random(5);
  for (let trial = 0; trial < 2000; trial++) {
    const seconds = [3, 5, 1.5][trial % 3]!;
    const segments = recording(next);
    const cuts = cutSpeech(segments, seconds);
    for (const [i, { start, end }] of cuts.entries()) {
      assert.ok(end - start > seconds / 2 - 0.002 && end - start < 2 * seconds + 0.002, `${end - start}`);
      assert.ok(i === 0 || start >= cuts[i - 1]!.end);
      assert.ok(
        segments.some((one) => close(one.start, start) || (one.start < start && start < one.end + 0.5)),
      );
    }
    // Nothing that is long enough is lost.
    for (const { start, end } of segments.filter((one) => one.end - one.start > seconds / 2)) {
      const covered = cuts.reduce(
        (sum, cut) => sum + Math.max(0, Math.min(cut.end, end) - Math.max(cut.start, start)),
        0,
      );
      assert.ok(close(covered, end - start), `${covered} of ${end - start}`);
    }
  }
});

test("short pauses are spoken over, long ones are not", () => {
  assert.equal(
    cutSpeech([
      { start: 0, end: 1 },
      { start: 1.4, end: 2.5 },
      { start: 3.1, end: 5.1 },
    ]),
    [
      { start: 0, end: 2.5 },
      { start: 3.1, end: 5.1 },
    ],
  );
});

test("a cut goes into the pause that is nearest to its place", () => {
  assert.equal(
    cutSpeech([
      { start: 0, end: 2.8 },
      { start: 3, end: 6 },
    ]),
    [
      { start: 0, end: 2.9 },
      { start: 2.9, end: 6 },
    ],
  );
  assert.equal(cutSpeech([{ start: 1, end: 7 }]), [
    { start: 1, end: 4 },
    { start: 4, end: 7 },
  ]);
});

test("speech of less than half of what is asked for is left out", () => {
  assert.equal(cutSpeech([{ start: 2, end: 3.4 }]), []);
  assert.equal(cutSpeech([]), []);
});

test("a length that cannot be is an error", () => {
  for (const seconds of [0.5, 0, -3, Number.NaN, 61])
    assert.throws(() => cutSpeech([], seconds), /Segments of .* s cannot be cut/);
});

test.run();
