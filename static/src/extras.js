// @ts-check
/** What few visits need: one file, which is smaller than five. */

export { default as advice } from "./advice.js";
export { default as debug } from "./debug.js";
export { default as help } from "./help.js";
export { default as identify } from "./identify.js";
export { default as rest } from "./rest.js";
