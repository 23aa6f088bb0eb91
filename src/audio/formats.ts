/**
 * The endings (lower case, with the dot) of files that hold audio.
 *
 * A corpus scan goes by these, decoding by content. Files of the last row need FFmpeg: they are listed so that a scan
 * does not pass them over in silence. Video (`.mp4`, `.webm`) can be decoded, but is not looked for.
 */
export const audioExtensions: ReadonlySet<string> = new Set([
  ...[".wav", ".wave", ".flac", ".mp3", ".mp2", ".ogg", ".oga", ".opus", ".m4a", ".m4b", ".aac"],
  ...[".aif", ".aiff", ".aifc", ".au", ".snd", ".caf", ".sph", ".nist"],
  ...[".wma", ".amr", ".awb", ".mka", ".weba", ".wv", ".ape", ".tta", ".ac3", ".spx", ".w64", ".3ga"],
]);
