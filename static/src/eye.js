// @ts-check
/**
 * Loaded when the page is idle, or with the first move: whether the page answered what was clicked, by cause and
 * not by coincidence. docs/browser.md tells in plain words how a verdict comes about.
 */

import { inside, lent, TYPED } from "./eye/dom.js";
import { catchUp, last, LIGHT, observe, observing, startLedger } from "./eye/ledger.js";
import { take as fingerprint } from "./eye/look.js";
import { asked, hook, watchSigns } from "./eye/signs.js";
import { answersItself, BUTTON, meant, thingAt } from "./eye/thing.js";
import { passing, plainTimeout, REACTION, take, turn, VISITOR } from "./eye/turn.js";
import { answer, cancel, close, hand, leave, press, react, release, soon } from "./eye/verdict.js";
import { clock, watches } from "./eye/waiting.js";
import { current } from "./eye/watch.js";

/** Moved further than this between down and up, it was a drag. */
const DRAG_PX = 10;
/** The pointer has gone elsewhere. */
const GONE_PX = 3;
/** Nobody touches the page: the pulse is not needed. */
const ASLEEP_MS = 15000;
/** A pointer that rests this long on a thing may press it: its fingerprint is taken now. */
const REST_MS = 60;
/** The click of a finger comes so long after it has gone up at most. */
const TAP_MS = 500;
/** Older, it is taken anew. */
const FRESH_MS = 4000;

let hooked = false;

/** @param {any} given what the first script lends @param {any} slot where it finds us */
export const eye = (given, slot) => {
  Object.assign(lent, given);
  const { emit, ignored, later, listen, options, origin, touched, when } = lent;
  watches.length = 0;
  hand.press = null;
  startLedger(soon);
  if (!hooked) hook();
  hooked = true;

  // ---- awake while somebody is there
  /** @type {any} */
  let sleeper;
  const awake = () => {
    if (!observing()) observe(LIGHT);
    clearTimeout(sleeper);
    sleeper = later(() => (watches.length ? awake() : observe(null)), ASLEEP_MS);
  };
  awake();

  // ---- what is about to be pressed
  /** @type {any} */
  let ahead = null;
  let stale = 0;
  /** @type {any} */
  let resting;
  const forget = () => {
    ahead = null;
    clearTimeout(resting);
  };
  /** @param {any} node */
  const approach = (node) => {
    forget();
    resting = plainTimeout(
      lent.safe(() => {
        const thing = node.isConnected && thingAt(node);
        if (thing && watches.every(({ closed }) => closed)) ahead = fingerprint(thing);
      }),
      REST_MS,
    );
  };

  let scrolledAt = -1e9;
  let stamp = -1;
  let downAt = [0, 0];
  /** @param {any} node @param {any} thing */
  const pressed = (node, thing) => {
    const was = ahead?.element === thing && clock() - ahead.at < FRESH_MS && ahead.at > Math.max(stale, last.change) ? ahead : undefined;
    ahead = null;
    const watch = press(thing, was);
    watch.coasting = clock() - scrolledAt < 200;
    take(watch);
    return { watch, node, told: false };
  };
  /** @param {any} node @param {any} event @param {any} thing @param {boolean} pointed */
  const tell = (node, event, thing, pointed) => {
    const facts = pointed ? { x: Math.round(event.clientX), y: Math.round(event.clientY) } : {};
    touched.element = thing || node;
    emit("click", touched.element, facts, when(event));
    return facts;
  };
  /** A click on a thing: told, and its wait begins. @param {any} press @param {any} event @param {boolean} [pointed] */
  const clicked = (press, event, pointed = true) => {
    if (press.told) return;
    press.told = true;
    release(press.watch, event.timeStamp, tell(press.node, event, press.watch.element, pointed));
  };
  const dragged = (/** @type {any} */ { clientX, clientY }) => Math.hypot(clientX - downAt[0], clientY - downAt[1]) > DRAG_PX;
  const allowed = (/** @type {any} */ event) => event.isTrusted || options.debug;

  /** The visitor goes on to something else. @param {boolean} [seeing] what is seen now may still be the click's doing
   * @param {(watch: any) => any} [stays] it goes on with this one */
  const goOn = (seeing, stays) => {
    for (const watch of [...watches]) stays?.(watch) || close(watch, seeing);
  };

  // ---- the press
  listen(window, "pointerdown", (/** @type {any} */ event) => {
    awake();
    if (!allowed(event) || !event.isPrimary || event.button) return;
    const node = origin(event);
    const thing = node.nodeType === 1 && !ignored(node) && !onScrollbar(event, node) ? thingAt(node) || meant(node, event) : null;
    catchUp();
    goOn(true, ({ element }) => element === thing || !element.isConnected);
    hand.press = null;
    downAt = [event.clientX, event.clientY];
    if (!thing) return take(VISITOR);
    hand.press = pressed(node, thing);
  });
  listen(window, "mousedown touchstart mouseup touchend", (/** @type {any} */ { type, detail }) => {
    const { press } = hand;
    if (!press) return;
    // From the second press on the browser selects words, before the click says so.
    if (type === "mousedown") press.watch.detail = Math.max(press.watch.detail, detail);
    take(press.watch);
  });
  listen(window, "pointerup pointercancel", (/** @type {any} */ event) => {
    const { press } = hand;
    if (!press || press.key || !event.isPrimary) return;
    take(press.watch);
    if (event.type === "pointercancel" || dragged(event)) {
      hand.press = null;
      cancel(press.watch);
    } else {
      clicked(press, event);
      // A disabled control, and what is redrawn under the finger, gets no click of its own. A finger's comes later.
      plainTimeout(() => hand.press === press && (hand.press = null), event.pointerType === "mouse" ? 0 : TAP_MS);
    }
  });
  listen(window, "click", (/** @type {any} */ event) => {
    const node = origin(event);
    if (!allowed(event) || ignored(node)) return;
    // A label's click comes twice, once for its field.
    const echo = event.timeStamp === stamp;
    stamp = event.timeStamp;
    if (echo) return;
    const pointed = !!event.detail;
    let { press } = hand;
    hand.press = null;
    if (!press && !pointed) {
      const thing = thingAt(node);
      if (thing) press = pressed(node, thing);
    }
    if (!press) return void ((pointed && dragged(event)) || tell(node, event, null, pointed));
    clicked(press, event, pointed);
    const { watch } = press;
    if (watch.done) return;
    take(watch, true);
    // when all handlers have run
    plainTimeout(lent.safe(() => answersItself(watch.element, event) && answer(watch, "native", watch.last)));
  });

  // ---- keys
  listen(window, "keydown", (/** @type {any} */ event) => {
    awake();
    stale = clock();
    const { key } = event;
    if (!allowed(event) || /^(Control|Shift|Alt|Meta)$/.test(key)) return;
    const node = origin(event);
    let thing = /^(Enter| )$/.test(key) && node.nodeType === 1 && !ignored(node) ? thingAt(node) : null;
    if (thing && (thing.isContentEditable || thing.localName === "textarea")) thing = null;
    // Enter in a field presses the form's button.
    if (thing && TYPED.test(thing.localName) && !BUTTON.test(thing.type) && key === "Enter") {
      thing = thing.form?.querySelector("button:not([type=button],[type=reset]),[type=submit]");
    }
    goOn(true, ({ element }) => element === thing);
    hand.press = null;
    if (!thing) return take(VISITOR);
    const press = (hand.press = Object.assign(pressed(node, thing), { key }));
    if (key === "Enter") later(() => hand.press === press && ((hand.press = null), cancel(press.watch)), 300);
  });
  listen(window, "keyup", () => take(hand.press?.key ? hand.press.watch : VISITOR));
  listen(window, "input beforeinput", () => {
    stale = clock();
    if (!turn()) take(VISITOR);
  });

  // ---- the visitor goes on
  listen(window, "wheel touchmove", () => {
    scrolledAt = stale = clock();
    // The page may have been scrolled already: what is seen now tells nothing.
    goOn();
    take(VISITOR);
  });
  listen(window, "pointerover", (/** @type {any} */ event) => {
    const { pointerType, clientX, clientY } = event;
    const node = origin(event);
    if (pointerType !== "mouse") return;
    goOn(false, ({ clicks, element }) => {
      const { x, y } = clicks.at(-1)?.facts || {};
      return !(Math.hypot(clientX - x, clientY - y) > GONE_PX) || inside(node, element);
    });
    if (node.nodeType === 1 && !hand.press) approach(node);
  });
  let at = "";
  listen(window, "pointermove pointerover pointerout mouseover mouseout mousemove", (/** @type {any} */ { pointerType, clientX, clientY }) => {
    // After each change the browser tells once more where the pointer rests: nobody moved it.
    const moved = at !== (at = Math.floor(clientX) + " " + Math.floor(clientY));
    if (!moved) return;
    awake();
    if (hand.press && pointerType === "touch") take(hand.press.watch);
    else if (!turn() || turn().visitor) take(VISITOR);
  });
  listen(document, "scroll focusin", () => (stale = clock()));
  watchSigns();

  // ---- what the first script asks of us
  Object.assign(slot, {
    asked,
    leave,
    /** The app hears of something from us: what it does with that answers no click. @param {string} name */
    react: (name) => {
      take(REACTION);
      passing();
      if (!/event|frame|part|reading/.test(name)) react();
    },
    cause: () => current()?.element,
  });
};

/** @param {any} event @param {any} node */
const onScrollbar = ({ offsetX, offsetY }, node) =>
  /auto|scroll/.test(getComputedStyle(node).overflow) && (offsetX > node.clientWidth + node.clientLeft || offsetY > node.clientHeight + node.clientTop);
