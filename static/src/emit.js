// @ts-check
/** One fact on its way out: named, cut to the wire's limits, shown to `beforeSend`. */

import { send } from "./link.js";
import { options } from "./options.js";
import { selectorOf, up } from "./selector.js";

/** Inside an element that its author took out, or that is ours. @param {any} node */
export const ignored = (node) =>
  up(node, "[data-sessionmood-ignore]" + (options.ignore ? "," + options.ignore : ""));

/** @param {string} type @param {any} [element] @param {object} [facts] @param {number} [at] ms since the epoch */
export const emit = (type, element, facts, at = Date.now()) => {
  if (element && ignored(element)) return;
  let event = { type, at, target: element ? selectorOf(element) : undefined, ...facts };
  if (options.beforeSend) event = options.beforeSend(event);
  if (event) send(event);
};

/** Where the visitor is: the path and, in a page that routes by it, the hash's path; never the query. */
export const url = () => (location.pathname + (location.hash[1] === "/" ? location.hash.split("?")[0] : "")).slice(0, 500);

/** When `event` happened, also if the page was too busy to tell us at once. @param {Event} event */
export const when = (event) => Math.round(Date.now() - performance.now() + event.timeStamp);
