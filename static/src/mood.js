// @ts-check
/** Readings as they arrive, and who wants to know. */

import { eye } from "./hooks.js";
import { safe } from "./lifecycle.js";

/** @type {any} */
let reading = null;
/** @type {Record<string, Set<(detail: any, more?: any) => void>>} */
const listeners = {};
/** What the visitor touched last: a change of mood is told there; and what does not respond.
 * @type {{element?: Element, typed?: number, stuck?: Element}} */
export const touched = {};

export const mood = () => reading;
export const forget = () => {
  reading = null;
};

/** @param {string} name @param {(detail: any, more?: any) => void} fn */
export const on = (name, fn) => {
  const call = safe(fn);
  (listeners[name] ||= new Set()).add(call);
  return () => {
    listeners[name].delete(call);
  };
};

/** @param {string} name @param {any} [detail] @param {any} [more] */
export const tell = (name, detail, more) => {
  // what the app does with it is no answer to a click
  if (name === "change" || listeners[name]?.size) eye.react?.(name);
  listeners[name]?.forEach((fn) => fn(detail, more));
};

/** @param {string} [name] */
const stuck = (name) => /frus|conf/.test(name || "");

/** A reading counts when its position (event_count, as_of) is newer than what we have.
 * @param {any} next @param {boolean} [greeting] it came with `welcome`: where the visit stands, no news */
export const receive = (next, greeting) => {
  const last = reading;
  if (!next || (last && (next.event_count - last.event_count || next.as_of - last.as_of) <= 0)) return;
  reading = next;
  tell("reading", next);
  if (next.mood === last?.mood || (greeting && !last)) return;
  tell("change", next, last);
  tell(next.mood, next, last);
  if (stuck(next.previous || last?.mood) && !stuck(next.mood)) tell("recovered", next, last);
  const { element } = touched;
  (element?.isConnected ? element : window).dispatchEvent(
    new CustomEvent("sessionmood:change", { detail: next, bubbles: true, composed: true }),
  );
};
