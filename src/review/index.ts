export { type Reviewable, reviewItems } from "./items.js";
export { recordingsOf } from "./recordings.js";
export { writePage } from "./write-page.js";
