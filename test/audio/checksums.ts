/** Ogg pages with their checksums made right again. */
export function withChecksums(file: Uint8Array): Uint8Array {
  const table = Int32Array.from({ length: 256 }, (_, index) => {
    let crc = index << 24;
    for (let bit = 0; bit < 8; bit++) crc = (crc << 1) ^ (crc < 0 ? 0x04c11db7 : 0);
    return crc;
  });
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  for (let at = 0; at + 27 <= file.length; ) {
    const count = file[at + 26];
    const size = 27 + count + file.subarray(at + 27, at + 27 + count).reduce((a, b) => a + b, 0);
    view.setUint32(at + 22, 0, true);
    let crc = 0;
    for (const byte of file.subarray(at, at + size)) crc = (crc << 8) ^ table[(crc >>> 24) ^ byte];
    view.setUint32(at + 22, crc >>> 0, true);
    at += size;
  }
  return file;
}
