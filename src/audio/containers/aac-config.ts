import { foreign, type Source } from "./source.js";

export const aacRates = [
  96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350,
];

/**
 * An AudioSpecificConfig for plain AAC-LC in mono or stereo, the only profile that the decoder here knows.
 *
 * @throws `unsupported` for any other: FFmpeg knows those
 */
export function aacConfig(
  source: Source,
  { objectType, rate, channels }: { objectType: number; rate: number; channels: number },
): Uint8Array {
  if (objectType !== 2) throw foreign(source, `The audio is AAC of object type ${objectType}, not AAC-LC.`);
  if (channels !== 1 && channels !== 2)
    throw foreign(
      source,
      `The audio is AAC of channel configuration ${channels}; only 1 and 2 are decoded here.`,
    );
  return Uint8Array.of((objectType << 3) | (rate >> 1), ((rate & 1) << 7) | (channels << 3));
}

/**
 * Reads an AudioSpecificConfig (ISO/IEC 14496-3, section 1.6.2.1).
 *
 * @throws `unsupported` for anything but AAC-LC: audio with spectral band replication would lose the upper half of its band
 */
export function readAacConfig(source: Source, bytes: Uint8Array) {
  let position = 0;
  const bits = (count: number): number => {
    let value = 0;
    for (let i = 0; i < count; i++, position++)
      value = value * 2 + (((bytes[position >> 3] ?? 0) >> (7 - (position & 7))) & 1);
    return value;
  };
  let objectType = bits(5);
  if (objectType === 31) objectType = 32 + bits(6);
  const rate = bits(4);
  if (rate > 12)
    throw foreign(source, `The audio is AAC at ${rate === 15 ? `${bits(24)} Hz` : "a reserved rate"}.`);
  const channels = bits(4);
  const config = aacConfig(source, { objectType, rate, channels });
  if (bits(1) === 1) throw foreign(source, "The audio is AAC in frames of 960 samples.");
  if (bits(1) === 1) bits(14); // the delay of a core coder
  bits(1); // the extension flag, 0 in LC
  // Spectral band replication, signalled in the backward compatible way.
  if (bits(11) === 0x2b7 && bits(5) === 5 && bits(1) === 1) throw foreign(source, "The audio is HE-AAC.");
  return { config, sampleRate: aacRates[rate], channels };
}
