import { wavFormat, wavHeader } from "./wav-header.js";

/**
 * Mono samples as a WAV file of 16 bits.
 *
 * @param samples in [-1, 1]; what is beyond is clipped
 * @param sampleRate samples per second
 */
export function wavBytes({ samples, sampleRate }: { samples: Float32Array; sampleRate: number }): Uint8Array {
  const format = wavFormat({ tag: 1, channels: 1, sampleRate, bits: 16 });
  const data = Int16Array.from(samples, (sample) =>
    Math.max(-32768, Math.min(32767, Math.round(sample * 32768))),
  );
  return Buffer.concat([wavHeader(format, data.byteLength), new Uint8Array(data.buffer)]);
}
