// @ts-check
/**
 * Whose doing the code is that runs now: a press's, the visitor's next move, the app's reaction to a mood, or
 * the page's own, or nobody's that we know of. A turn lasts to the end of its task, with the promises it settles;
 * timers, frames and messages that were asked for in a turn run in it too.
 */

import { clock, watches } from "./waiting.js";

/** A timer that takes from this to that may be what the visitor waits for. */
const SLOW_MS = 1000;
const SLOWEST_MS = 6000;
/** A loop that a click has started is the page's own after this. */
const OWN_MS = 5000;

/** As they were before they carried turns. */
export const { setTimeout: plainTimeout, requestAnimationFrame: plainFrame } = window;

/** The visitor moves, types, turns the wheel, or presses what is nothing to press. */
export const VISITOR = { visitor: true };
/** The app answers a mood: never the page's answer to a click. */
export const REACTION = { visitor: true };
/** What the page does by itself: timers and requests that began while no click waited. */
export const PAGE = { visitor: true };

/** @type {any} */
let now = null;
/** In the handlers of the click itself: not of the press, nor of a timer. */
let clicking = false;
/** In a message: React's scheduler works off in one what several have asked for. */
let shared = false;
let clearing = false;
/** @type {MessageChannel} */
let channel;

export const turn = () => now;
export const inClick = () => clicking;
export const inShared = () => shared;

/** @param {any} who a watch, VISITOR, REACTION @param {boolean} [click] */
export const take = (who, click = false) => {
  if (who !== now || click) clicking = click;
  shared = false;
  now = who;
  if (clearing) return;
  clearing = true;
  if (!channel) {
    channel = new MessageChannel();
    channel.port1.onmessage = () => {
      clearing = clicking = shared = false;
      now = null;
    };
  }
  channel.port2.postMessage(0);
};

/** For a task that is ours alone: its turn ends with its promises. What waits behind it, an answer perhaps, must not
 * be taken for its doing. @param {number} [more] steps that promises may take */
export const passing = (more = 12) => {
  Promise.resolve().then(() => {
    if (more) passing(more - 1);
    else now = null;
  });
};

/** Timers, frames and messages between ports (React's scheduler) run in the turn that asked for them. */
export const carry = () => {
  /** @type {any[]} */
  const whose = [];
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    take(whose.shift());
    shared = true;
  };
  const { postMessage } = port2;
  MessagePort.prototype.postMessage = function (/** @type {any[]} */ ...args) {
    // Messages come in the order they are sent: ours says whose the next one is.
    if (now && this !== channel?.port2) postMessage.call(port2, whose.push(now));
    return postMessage.apply(this, /** @type {any} */ (args));
  };
  for (const name of ["setTimeout", "setInterval", "requestAnimationFrame", "requestIdleCallback"]) {
    const original = /** @type {any} */ (window)[name];
    if (!original) continue;
    /** @type {any} */ (window)[name] = function (/** @type {any} */ fn, /** @type {any[]} */ ...rest) {
      if (typeof fn !== "function") return original.call(this, fn, ...rest);
      const whose = now || (watches.length ? null : PAGE);
      if (whose?.clicks && rest[0] > SLOW_MS && rest[0] < SLOWEST_MS) whose.until = clock() + rest[0];
      return original.call(
        this,
        /** @this {any} */ function (/** @type {any[]} */ ...args) {
          // a frame may come before the message that ends an event's turn
          now = null;
          clicking = shared = false;
          // What still runs so long after its click is the page's own by now.
          if (whose && (whose !== PAGE || watches.length)) take(whose.done && clock() - whose.last > OWN_MS ? PAGE : whose);
          return fn.apply(this, args);
        },
        ...rest,
      );
    };
  }
};
