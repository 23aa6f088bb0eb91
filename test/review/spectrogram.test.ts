import { inflateSync } from "node:zlib";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { spectrogram } from "../../src/review/spectrogram.js";

const sampleRate = 16000;
/** The numbers of the colours in a picture, without the byte that begins each row. */
function colours(samples: Float32Array): number[][] {
  const bytes = Buffer.from(spectrogram({ samples, sampleRate })!);
  const width = bytes.readUInt32BE(16);
  const from = bytes.indexOf("IDAT") + 4;
  const rows = inflateSync(bytes.subarray(from, from + bytes.readUInt32BE(from - 8)));
  return Array.from({ length: rows.length / (width + 1) }, (_, y) => [
    ...rows.subarray(y * (width + 1) + 1, (y + 1) * (width + 1)),
  ]);
}

test("digital silence is a white picture, however little there is that is louder", () => {
  assert.ok(
    colours(new Float32Array(sampleRate))
      .flat()
      .every((colour) => colour === 0),
  );
});

test("a tone is a dark line between light, low tones at the bottom", () => {
  const tone = (hertz: number) =>
    Float32Array.from(
      { length: sampleRate },
      (_, i) => 0.1 * Math.sin((2 * Math.PI * hertz * i) / sampleRate),
    );
  const darkest = (hertz: number) => {
    const column = colours(tone(hertz)).map((row) => row[20]!);
    return column.indexOf(Math.max(...column));
  };
  assert.ok(darkest(200) > darkest(1000) && darkest(1000) > darkest(6000));
});

test("less than a frame of sound has no picture", () => {
  assert.is(spectrogram({ samples: new Float32Array(100), sampleRate }), undefined);
});

test.run();
