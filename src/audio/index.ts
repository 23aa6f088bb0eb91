export { type Decoded, type DecodeOptions, decode } from "./decode.js";
export { audioExtensions } from "./formats.js";
export { type Inspection, type InspectOptions, inspectSignal } from "./inspect-signal.js";
export { type Audio, type LoadOptions, loadAudio } from "./load-audio.js";
export { type Channel, mixdown } from "./mixdown.js";
export { resample } from "./resample.js";
