// @ts-check
/** The script tag: reads its own attributes, takes over calls made before it came, starts. */

import { api } from "./main.js";
import { fromAttributes, options } from "./options.js";

const page = /** @type {any} */ (window);
const early = page.SessionMood;

/** A browser may remember that an import failed: another try needs another name.
 * @param {string} part @param {number} [tries] so far */
const load = (part, tries) => import(`${options.host}/sessionmood-${part}.js` + (tries ? "?" + tries : ""));

// A second tag on the same page finds the first at work.
if (!early?.init) {
  try {
    const tag = /** @type {HTMLScriptElement | null} */ (document.currentScript || document.querySelector("script[data-key]"));
    const host = tag ? new URL(tag.src).origin : location.origin;
    page.SessionMood = api;
    Object.assign(options, { host, load });
    fromAttributes(tag?.dataset || {});
    if (Array.isArray(early)) api.push(...early);
    if (!options.manual) api.init();
  } catch (error) {
    console.debug("SessionMood", error);
  }
}
