// @ts-check
/** What is loaded only when it is needed, and what it works with. */

import { tell } from "./mood.js";
import { options } from "./options.js";

/** What the parts work with. @type {any} */
let lent;
/** @param {any} all main.js knows them all */
export const lend = (all) => (lent = all);

/** What the part makes of `what`; nothing when it can't be loaded.
 * @param {string} part @param {any} [what] @returns {any} */
export const load = (part, what) =>
  options
    .load(part)
    .then((/** @type {any} */ make) => {
      const made = make(lent, what);
      tell("part", part);
      return made;
    })
    .catch(() => {});
