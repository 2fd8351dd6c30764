// @ts-check
/**
 * Clicks until the eye is here: told, and not judged. The eye (eye.js) is loaded when the page is idle, at the
 * latest with the first move; what must be hooked before the page runs is hooked here.
 */

import { emit, ignored, when } from "./emit.js";
import { eye } from "./hooks.js";
import { later, listen } from "./lifecycle.js";
import { touched } from "./mood.js";
import { options } from "./options.js";
import { load } from "./lazy.js";
import { ACTIVE, origin, up } from "./selector.js";

export const watchClicks = () => {
  /** @type {any} */
  let loading;
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
