// @ts-check
/** Answers that leave no mark in the tree: sounds, dialogs, downloads, pages on their way, what is asked of servers. */

import { lent } from "./dom.js";
import { hold, reacting, replied } from "./ledger.js";
import { answer, soon } from "./verdict.js";
import { carry, PAGE, plainTimeout, take, turn } from "./turn.js";
import { clock, watches } from "./waiting.js";
import { current } from "./watch.js";

/** What the page does so long after a request's end is the request's doing. */
const REPLY_MS = 300;
/** An answer by socket or worker may take this long to be taken for one. */
const SOCKET_MS = 2000;
/** Other windows come slowly. */
const WINDOW_MS = 1000;

/** Addresses that the page asks for without being clicked. */
const habits = new Set();
/** @param {string} address */
const asks = (address) => {
  const { host, pathname } = new URL(address, location.href);
  return host + pathname;
};

/** A request of the page begins. It never answers by itself: what the page does with the reply may.
 * @param {string} address @returns {() => void} call at its end */
export const asked = (address) => {
  const what = asks(address);
  const watch = current();
  if (!watch) habits.add(what);
  if (!watch || (turn() !== watch && habits.has(what))) {
    const who = turn()?.visitor ? turn() : PAGE;
    return () => {
      take(who);
      if (who === PAGE) replied(REPLY_MS);
    };
  }
  const release = hold(watch, {});
  return () => {
    release();
    take(watch);
    if (watch.done) return;
    watch.reply = clock() + REPLY_MS;
    soon(watch, 50);
    plainTimeout(() => soon(watch, 0), REPLY_MS);
  };
};

/** Calls that answer by being made.
 * @param {any} owner @param {string} names @param {(self: any, args: any[]) => any} [when] */
const says = (owner, names, when = () => true) => {
  for (const name of names.split(" ")) {
    lent.wrap(owner, name, (/** @type {any[]} */ args, /** @type {any} */ self) => void (when(self, args) && answer(current(WINDOW_MS), name)));
  }
};

/** Once per page. */
export const hook = () => {
  carry();
  for (const { name, initiatorType } of /** @type {any[]} */ (performance.getEntriesByType("resource"))) {
    if (/fetch|xml/.test(initiatorType)) habits.add(asks(name));
  }
  says(window, "alert confirm prompt open print showOpenFilePicker showSaveFilePicker showDirectoryPicker");
  says(navigator, "share vibrate");
  says(navigator.clipboard, "writeText write");
  says(window.SpeechSynthesis?.prototype, "speak");
  says(HTMLMediaElement.prototype, "play", (media) => !media.muted && (media.currentSrc || media.src || media.srcObject));
  // A silent sample of no length is how players unlock the sound: nobody hears it.
  const loud = (/** @type {any} */ node) => !("buffer" in node) || node.buffer?.duration > 0.02;
  says(window.AudioScheduledSourceNode?.prototype, "start", loud);
  says(window.AudioBufferSourceNode?.prototype, "start", loud);
  says(window.AudioParam?.prototype, "setTargetAtTime linearRampToValueAtTime exponentialRampToValueAtTime", turn);
  says(window.AudioContext?.prototype, "suspend");
  says(Element.prototype, "requestFullscreen");
  says(HTMLInputElement.prototype, "showPicker");
  says(HTMLSelectElement.prototype, "showPicker");
  const opens = (/** @type {any} */ element) => element.matches?.("input[type=file],input[type=color],a[download],a[target=_blank]");
  says(HTMLElement.prototype, "click", opens);
  says(EventTarget.prototype, "dispatchEvent", (target, [event]) => event?.type === "click" && opens(target));
  const waits = () => {
    const watch = turn();
    if (!watch || watch.visitor) return;
    hold(watch, {}, SOCKET_MS);
    watch.reply = Math.max(watch.reply, clock() + SOCKET_MS);
  };
  lent.wrap(WebSocket.prototype, "send", (/** @type {any} */ _, /** @type {WebSocket} */ self) => self.url.startsWith(lent.options.host.replace("http", "ws")) || waits());
  lent.wrap(window.Worker?.prototype, "postMessage", waits);
};

/** What tells of itself by an event. */
export const watchSigns = () => {
  const { listen } = lent;
  const { navigation } = /** @type {any} */ (window);
  const now = (/** @type {Event} */ { type }) => answer(current(), type);
  listen(document, "play pause volumechange ratechange enterpictureinpicture leavepictureinpicture fullscreenchange copy cut invalid", now);
  listen(window, "beforeprint", now);
  listen(document, "seeking", (/** @type {any} */ event) => event.target.loop || now(event));
  listen(document, "toggle", (/** @type {any} */ { target }) => target.matches?.("[popover]:not([class*=tooltip i])") && !lent.ignored(target) && answer(current(), "popover"));
  listen(window, "blur", (/** @type {Event} */ { target }) => target === window && answer(current(WINDOW_MS), "window"));
  listen(window, "submit", (/** @type {any} */ event) => {
    const watch = current();
    plainTimeout(() => event.defaultPrevented || event.target.method === "dialog" || depart(watch));
  });
  // Scrolled, and not by the visitor: the wheel, a finger or a key would have closed the watch.
  listen(document, "scroll", (/** @type {any} */ { target }) => {
    const element = target === document ? document.scrollingElement : target;
    for (const watch of watches) {
      if (!watch.up || watch.closed || watch.coasting || reacting(watch) || watch.scrolled.has(element)) continue;
      watch.scrolled.set(element, clock());
      soon(watch, 60);
    }
  });
  listen(document, "load error", (/** @type {any} */ { target }) => {
    for (const watch of watches) {
      watch.holds.delete(target);
      if (target.localName === "img") watch.loaded = true;
      soon(watch, 30);
    }
  });
  /** On its way to another page: the answer, once the page goes. @param {any} watch */
  const depart = (watch) => {
    if (watch) watch.leaving = true;
  };
  if (navigation) {
    listen(navigation, "navigate", (/** @type {any} */ { destination, downloadRequest, hashChange }) => {
      const watch = current();
      if (!watch) return;
      const { url, sameDocument } = destination;
      if (downloadRequest != null) answer(watch, "download");
      else if (!sameDocument) depart(watch);
      // A route in the hash is one; any other hash shows by where it leads. The page one is on, asked for again,
      // is no answer and no failure either.
      else if (url === location.href) watch.here = !watch.element.closest?.("a[href^='#']");
      else if (!hashChange || /#!?\//.test(url)) answer(watch, "route");
    });
  } else {
    listen(window, "beforeunload", () => depart(current()));
    listen(window, "popstate", () => answer(current(), "route"));
    for (const name of ["pushState", "replaceState"]) lent.wrap(history, name, () => void answer(current(), "route"));
  }
};
