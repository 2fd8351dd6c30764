// @ts-check
/** What is loaded only when it is needed, and what it works with. */

import { ACTIVE, FIELDS, roots } from "./clicks.js";
import { emit, ignored, when } from "./emit.js";
import { keep, recall } from "./keep.js";
import { later, listen, safe, wrap } from "./life.js";
import { mood, on, tell, touched } from "./mood.js";
import { options } from "./options.js";
import { origin, up } from "./selector.js";

/** What the part makes of `what`; nothing when it can't be loaded.
 * @param {string} part @param {any} [what] @returns {any} */
export const load = (part, what) =>
  options
    .load(part)
    .then((/** @type {any} */ module) => {
      const made = module.default(
        { ACTIVE, FIELDS, emit, ignored, keep, later, listen, mood, on, options, origin, recall, roots, safe, tell, touched, up, when, wrap },
        what,
      );
      tell("part", part);
      return made;
    })
    .catch(() => {});
