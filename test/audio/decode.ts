import { opened } from "../../src/audio/decode.js";
import { concatenated } from "../../src/audio/resample.js";

export type Decoded = ReturnType<typeof decode>;

/** All samples of an audio file as they lie in it, a Float32Array (frames) for each channel. */
export function decode(bytes: Uint8Array, { path }: { path?: string } = {}) {
  const { format, codec, sampleRate, channels, blocks, doubts = [] } = opened(bytes, path);
  const parts = Array.from(blocks, (block) => block.map((plane) => plane.slice()));
  const planes = Array.from({ length: channels }, (_, channel) =>
    concatenated(parts.map((block) => block[channel])),
  );
  return { channels: planes, sampleRate, format, codec, doubts };
}
