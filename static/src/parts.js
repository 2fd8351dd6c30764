// @ts-check
/** What is loaded only when it is needed, and what it works with. */

import { ACTIVE, FIELDS } from "./answers.js";
import { emit } from "./emit.js";
import { keep, recall } from "./keep.js";
import { later, listen } from "./life.js";
import { mood, on, tell, touched } from "./mood.js";
import { options } from "./options.js";
import { origin, up } from "./selector.js";

/** What the part makes of `what`; nothing when it can't be loaded.
 * @param {string} part @param {any} [what] @returns {any} */
export const load = (part, what) =>
  options
    .load(part)
    .then((/** @type {any} */ module) =>
      module.default(
        { ACTIVE, FIELDS, emit, keep, later, listen, mood, on, options, origin, recall, tell, touched, up },
        what,
      ),
    )
    .catch(() => {});
