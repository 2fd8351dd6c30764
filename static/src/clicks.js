// @ts-check
/**
 * Clicks until the eye is here: told, and not judged. The eye (eye.js) is loaded when the page is idle, at the
 * latest with the first move; what must be hooked before the page runs is hooked here.
 */

import { emit, ignored, when } from "./emit.js";
import { later, listen } from "./life.js";
import { touched } from "./mood.js";
import { options } from "./options.js";
import { load } from "./parts.js";
import { origin, up } from "./selector.js";

export const FIELDS = "input:not([type=button],[type=submit]),select,textarea,[contenteditable]";
/** What looks as if it did something, at a glance. */
export const ACTIVE = FIELDS + ",a,button,input,summary,[onclick],[tabindex],[role=button]";

/** What the eye does for us, once it is here: `react` to what the app hears, `asked` when a request begins,
 * `cause` of what happens now, `leave` when the page goes. @type {any} */
export const eye = {};
/** Shadow roots by their hosts, also closed ones: the eye looks into them, and nothing of them leaves.
 * @type {WeakMap<Element, ShadowRoot>} */
export const roots = new WeakMap();
/** @type {any} */
let loading;

export const watchClicks = () => {
  loading = 0;
  const open = () => (loading ||= load("eye", eye));
  listen(window, "pointermove pointerdown keydown", open);
  (window.requestIdleCallback || later)(open);
  listen(window, "click", (event) => {
    if (eye.leave || !(event.isTrusted || options.debug)) return;
    const node = origin(event);
    touched.element = up(node, ACTIVE) || node;
    emit("click", touched.element, { kind: "unknown", ...(event.detail && { x: Math.round(event.clientX), y: Math.round(event.clientY) }) }, when(event));
  });
};
