import { type FbankExtractor, openFbank } from "../features/fbank.js";
import type { Signal } from "../types.js";
import { png } from "./png.js";

const bands = 64;
const mostColumns = 420;
/** What is further below the loudest, in natural log of power, is as white as silence: 43 dB. */
const range = 10;
/** What the filter bank gives for no sound at all, and a little. */
const silence = Math.log(2 ** -23) + 0.01;

/** From the paper's white to a deep blue. */
const palette = Uint8Array.from({ length: 256 * 3 }, (_, at) => {
  const [part, colour] = [Math.floor(at / 3) / 255, at % 3];
  const stops = [
    [246, 248, 250],
    [127, 171, 211],
    [47, 109, 168],
    [11, 41, 74],
  ];
  const place = part * (stops.length - 1);
  const from = Math.min(stops.length - 2, Math.floor(place));
  const [a, b] = [stops[from]![colour]!, stops[from + 1]![colour]!];
  return Math.round(a + (b - a) * (place - from));
});

const extractors = new Map<string, FbankExtractor>();

/** A spectrogram over mel bands as a small picture, PNG. Undefined for less than a frame of sound. */
export function spectrogram({ samples, sampleRate }: Signal): Uint8Array | undefined {
  const frameShiftMs = Math.max(10, Math.ceil((1000 * samples.length) / sampleRate / mostColumns));
  const name = `${sampleRate} ${frameShiftMs}`;
  const extractor =
    extractors.get(name) ??
    openFbank({ sampleRate, numMelBins: bands, frameShiftMs, meanNormalization: false });
  extractors.set(name, extractor);
  if (extractor.numFrames(samples.length) < 1) return undefined;
  const { data, rows } = extractor.compute(samples);
  let top = -Infinity;
  for (const value of data) if (value > top) top = value;
  const pixels = new Uint8Array(rows * bands);
  for (let t = 0; t < rows; t++)
    for (let b = 0; b < bands; b++) {
      const level = data[t * bands + b]!;
      // Digital silence is white, also where there is nothing louder.
      const value = level <= silence ? 0 : 1 - (top - level) / range;
      pixels[(bands - 1 - b) * rows + t] = Math.round(255 * Math.min(1, Math.max(0, value)));
    }
  return png(pixels, rows, palette);
}
