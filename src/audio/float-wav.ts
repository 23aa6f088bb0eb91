import { unsupported } from "../errors.js";
import { wavFormat, wavHeader } from "../shared/wav-header.js";

/** What the sizes in a header can say. */
const mostBytes = 2 ** 32 - 1 - 58;

/**
 * Samples as the bytes of a WAV file of float32, which hold them exactly.
 *
 * @param planes one Float32Array (frames) for each channel, nominal range [-1, 1]
 * @throws `unsupported` beyond 4 GiB
 */
export function floatWav(
  planes: readonly Float32Array[],
  sampleRate: number,
  channels = planes.length,
): Uint8Array {
  const frames = planes[0]?.length ?? 0;
  const size = frames * channels * 4;
  if (size > mostBytes)
    throw unsupported(
      `A span of ${frames} samples in ${channels} channels is more than 4 GiB. Take shorter spans.`,
    );
  const data = new Float32Array(frames * channels);
  if (channels === 1) data.set(planes[0]!);
  else
    planes.forEach((plane, channel) => {
      for (let i = 0, at = channel; i < frames; i++, at += channels) data[at] = plane[i];
    });
  const format = wavFormat({ tag: 3, channels, sampleRate, bits: 32 });
  return Buffer.concat([wavHeader(format, size), new Uint8Array(data.buffer)]);
}
