// @ts-check
/** What the page's author should know: said in the console, once each, by a part that holds the words. */

import { options } from "./options.js";

/** @param {string | number} what @param {unknown} [detail] */
export const advise = (what, detail) =>
  options.load("advice").then(
    (/** @type {any} */ say) => say(what, detail, options),
    () => console.warn("SessionMood", what, detail),
  );
