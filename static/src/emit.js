// @ts-check
/** One fact on its way out: named, shown to `beforeSend`, cut to what the wire takes. */

import { advise } from "./advise.js";
import { send } from "./socket.js";
import { touched } from "./mood.js";
import { options } from "./options.js";
import { selectorOf, up } from "./selector.js";

/** The wire's fields: the most characters each may have, 0 for a number. */
const WIRE = { type: 64, at: 0, target: 200, x: 0, y: 0, value: 0, kind: 64, name: 200, dy: 0, url: 500 };
/** Numbers are smaller than this. */
const MOST = 1e15;

/** Inside an element that its author took out, or that is ours. @param {any} node */
export const ignored = (node) =>
  up(node, "[data-sessionmood-ignore]" + (options.ignore ? "," + options.ignore : ""));

/** @param {string} type @param {any} [element] @param {object} [facts] @param {number} [at] ms since the epoch */
export const emit = (type, element, facts, at = Date.now()) => {
  try {
    if (element && ignored(element)) return;
    // The last verdict on a click: what does not respond. "dead_click", "rage_click" < "re" <= "response"
    if (/^(de|ra|re)/.test(type)) touched.stuck = type < "re" ? element : undefined;
    const given = { type, at, target: element ? selectorOf(element) : undefined, ...facts };
    const event = options.beforeSend ? options.beforeSend(given) : given;
    const clean = event && cut(event);
    if (clean?.type) send(clean);
  } catch (error) {
    // What can't be looked at by the author's filter does not leave; the page's own work goes on.
    advise("event", error);
  }
};

/** Only what the wire has, in its types: one bad value would cost the whole batch. @param {any} event */
const cut = (event) => {
  /** @type {any} */
  const clean = {};
  for (const [name, most] of Object.entries(WIRE)) {
    const value = event[name];
    // \p{Cs}: half an emoji
    if (most ? typeof value === "string" : typeof value === "number" && Math.abs(value) < MOST) clean[name] = most ? value.slice(0, most).replace(/\p{Cs}/gu, "\ufffd") : value;
    else if (value != null) advise("value", name);
  }
  return Object.freeze(clean);
};

/** Where the visitor is: the path and, in a page that routes by it, the hash's path; never the query. */
export const url = () => (location.pathname + (location.hash[1] === "/" ? location.hash.split("?")[0] : "")).slice(0, 500);

/** When `event` happened, also if the page was too busy to tell us at once. @param {Event} event */
export const when = (event) => Math.round(Date.now() - performance.now() + event.timeStamp);
