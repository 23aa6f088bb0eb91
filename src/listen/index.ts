export { outlierVoices } from "./outlier-voices.js";
export { pairVoices } from "./pair-voices.js";
export { type Clip, type Player, type PlayerBundle, type PlayerOptions, player } from "./player.js";
