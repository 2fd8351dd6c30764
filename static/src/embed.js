// @ts-check
/** The script tag: reads its own attributes, takes over calls made before it came, starts. */

import { api } from "./main.js";
import { fromAttributes, options } from "./options.js";

const page = /** @type {any} */ (window);
const early = page.SessionMood;

/** Eye and gestures are files of their own; what is rare is in one, which is smaller than five. @param {string} part */
const load = (part) =>
  import(`${options.host}/sessionmood-${/^[eg]/.test(part) ? part : "extras"}.js`).then((file) => file[part]);

// A second tag on the same page finds the first at work.
if (!early?.init) {
  try {
    page.SessionMood = api;
    options.load = load;
    // A module (`type="module"`) is not told which tag is its own.
    const { src, dataset } = /** @type {HTMLScriptElement} */ (
      document.currentScript || document.querySelector("script[src*='sessionmood.js']")
    );
    options.host = new URL(src).origin;
    fromAttributes(dataset);
    if (Array.isArray(early)) api.push(...early);
    if (!options.manual) api.init();
  } catch (error) {
    console.warn("SessionMood", error);
  }
}
