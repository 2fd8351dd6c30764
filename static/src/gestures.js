// @ts-check
/**
 * Loaded with the visitor's first move: what a visitor does besides clicking. Scrolling, fields, clipboard, resting
 * and shaking the pointer, and doing nothing. Depths, times and one score leave the browser; no text, no path.
 */

import { thrash } from "./thrash.js";

const SCROLL_MS = 250;
/** Resting shorter than this on something is passing over it. */
const DWELL_MS = 1000;
/** No touch of the page for this long: the visitor stopped. */
const IDLE_S = 30;
/** While typing, a fact this often: that someone types, not how. */
const TYPING_MS = 5000;
/** Several fields refused at once are one refusal. */
const INVALID_MS = 100;

/** @param {any} inside */
export const gestures = ({ ACTIVE, FIELDS, emit, later, listen, origin, touched, up }) => {
  const page = document;

  // Scrolling
  let waiting = 0;
  let was = 0;
  /** @type {any} */
  let box;
  const read = () => {
    const { scrollTop, scrollHeight, clientHeight } = box;
    const dy = Math.round(scrollTop - was);
    const value = Math.round((scrollTop / (scrollHeight - clientHeight)) * 1000) / 10;
    waiting = 0;
    was = scrollTop;
    // A list in a corner is not the page.
    if (dy && clientHeight > innerHeight / 2) emit("scroll", 0, { value: Math.max(0, Math.min(100, value)), dy });
  };
  listen(page, "scroll", (/** @type {any} */ { target }) => {
    const next = target.scrollingElement || target;
    if (box !== next) was = 0;
    box = next;
    // Right after a frame the layout is fresh: reading it then costs the page nothing.
    waiting ||= later(() => requestAnimationFrame(() => later(read)), SCROLL_MS);
  });

  // Fields and clipboard
  let typed = 0;
  let refused = 0;
  const focus = (/** @type {string} */ type, /** @type {any} */ node) => {
    const field = up(node, FIELDS);
    if (field) emit(type, field);
    typed = 0;
  };
  listen(page, "focusin", (/** @type {Event} */ event) => focus("focus", origin(event)));
  listen(page, "focusout", (/** @type {Event} */ event) => focus("blur", origin(event)));
  focus("focus", page.activeElement);
  listen(page, "input change", (/** @type {Event} */ event) => {
    if (event.type === "input" && event.timeStamp - typed < TYPING_MS) return;
    typed = event.timeStamp;
    emit("input", origin(event));
  });
  listen(page, "invalid", (/** @type {Event} */ { target, timeStamp }) => {
    if (timeStamp - refused > INVALID_MS) emit("error", target, { kind: "validation" });
    refused = timeStamp;
  });
  listen(page, "submit copy cut paste", (/** @type {Event} */ event) => emit(event.type.replace("cut", "copy"), origin(event)));

  // The pointer, and silence
  /** @type {Element | undefined} */
  let over;
  let since = 0;
  listen(page, "pointerover pointerdown", (/** @type {PointerEvent} */ event) => {
    const { type, pointerType, timeStamp } = event;
    const moving = type === "pointerover";
    const element = moving && pointerType === "mouse" ? up(origin(event), ACTIVE) : undefined;
    if (element === over) return;
    const value = Math.round(timeStamp - since);
    // A click is the end of wondering.
    if (over && moving && value >= DWELL_MS) emit("hover", over, { value });
    over = element;
    since = timeStamp;
  });
  /** @type {any} */
  let timer;
  listen(page, "pointermove pointerdown keydown scroll", (/** @type {any} */ event) => {
    clearTimeout(timer);
    timer = later(() => page.hidden || emit("idle", 0, { value: IDLE_S }), IDLE_S * 1000);
    if (event.type === "keydown") touched.typed = Date.now();
    const value = event.type === "pointermove" && thrash(event);
    if (value) emit("custom", origin(event), { name: "thrashed_cursor", value });
  });
};
