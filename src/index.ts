export { ScopeError } from "./errors.js";
export type * from "./types.js";
