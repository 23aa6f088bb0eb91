/** How samples lie in a WAV file. */
interface WavFormat {
  /** 1 for integers, 3 for floats. */
  tag: 1 | 3;
  channels: number;
  sampleRate: number;
  bits: number;
}

/** The format chunk of a WAV file, without its name and size. */
export function wavFormat({ tag, channels, sampleRate, bits }: WavFormat): Buffer {
  const bytes = Buffer.alloc(16);
  const frameBytes = (channels * bits) / 8;
  bytes.writeUInt16LE(tag, 0);
  bytes.writeUInt16LE(channels, 2);
  bytes.writeUInt32LE(sampleRate, 4);
  bytes.writeUInt32LE(sampleRate * frameBytes, 8);
  bytes.writeUInt16LE(frameBytes, 12);
  bytes.writeUInt16LE(bits, 14);
  return bytes;
}

/** What stands before the samples of a WAV file, which take so many bytes. */
export function wavHeader(format: Buffer, size: number): Buffer {
  const bytes = Buffer.alloc(28 + format.length);
  bytes.write("RIFF", 0, "latin1");
  bytes.writeUInt32LE(bytes.length - 8 + size, 4);
  bytes.write("WAVEfmt ", 8, "latin1");
  bytes.writeUInt32LE(format.length, 16);
  format.copy(bytes, 20);
  bytes.write("data", 20 + format.length, "latin1");
  bytes.writeUInt32LE(size, 24 + format.length);
  return bytes;
}
