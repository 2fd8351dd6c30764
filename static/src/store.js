// @ts-check
/** The tab's storage, where there is one: private modes and sandboxed frames throw on touch. */

import { json } from "./json.js";

/** @param {string} name @param {"localStorage" | "sessionStorage"} [area] @returns {any} */
export const recall = (name, area = "sessionStorage") => {
  try {
    return JSON.parse(window[area]["sessionmood." + name]);
  } catch {}
};

/** @param {string} name @param {unknown} value @param {"localStorage" | "sessionStorage"} [area] */
export const keep = (name, value, area = "sessionStorage") => {
  try {
    window[area]["sessionmood." + name] = json(value);
  } catch {}
};
