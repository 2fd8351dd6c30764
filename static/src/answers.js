// @ts-check
/**
 * Whether the page answered a click, and after how long.
 *
 * A click is pending from pointerdown until something visible happens: the DOM changes, the page moves, a
 * request of its own finishes, a dialog, a player, a selection, the clipboard. Only while a click is pending is
 * the DOM watched. What nothing answered within DEAD_MS is a dead click, if it looked clickable at all.
 */

import { emit, ignored, when } from "./emit.js";
import { later, listen, wrap } from "./life.js";
import { touched } from "./mood.js";
import { options } from "./options.js";
import { origin, up } from "./selector.js";
import { calledOff, excuse } from "./trouble.js";

/** Nothing by then: nobody waits any longer. */
const DEAD_MS = 2500;
/** A request or a scroll that began later than this after a click is not its doing. */
const CAUSE_MS = 500;
/** With a request or a navigation under way a click stays pending up to here. */
const PATIENCE_MS = 30000;
/** So many clicks on one thing within so long, and none answered: rage. Four, as three vendors found. */
const RAGE_CLICKS = 4;
const RAGE_MS = 1000;
/** Said so long after the fourth: pages that answer do so within half a second, and a tenth for the timers. */
const RAGE_WAIT_MS = 600;
/** Moved further than this between down and up, it was a drag. */
const DRAG_PX = 10;

export const FIELDS = "input:not([type=button],[type=submit]),select,textarea,[contenteditable]";
/** What looks as if it did something. */
export const ACTIVE = FIELDS + ",a,button,input,summary,[onclick],[tabindex],[role=button]";
/** What answers by itself, in ways a script can't see: fields, players, canvases, links to elsewhere. */
const SELF = FIELDS + ",label,video,audio,canvas,object,embed,a[target],a[download]";
/** DOM changes that nobody sees, or that come whether or not somebody clicks. */
const UNSEEN = "head,script,style,link,time,[role=timer]";

/** @typedef {{at: number, handled: number, element: Element, value: any, leaving?: any}} Click handled: when the page,
 * busy until then, got to it; what it does then is its doing */

/** @type {Click[]} */
let pending = [];
/** The pointer is down; the click to come may have been answered already. @type {any} */
let down;
/** Requests under way that began right after a click. */
let open = 0;
let lastStamp = 0;
let wrapped = false;
/** @type {MutationObserver} */
let observer;

/** @param {Event} event */
const watch = (event) => {
  observer ||= new MutationObserver(changed);
  for (const node of event.composedPath()) {
    if (node === document || node instanceof ShadowRoot) {
      observer.observe(/** @type {Node} */ (node), { subtree: true, childList: true, attributes: true, characterData: true });
    }
  }
};

const rest = () => pending.length || down || observer?.disconnect();

/** The page answered: what was clicked last, as often as it was clicked.
 * @param {any} [_] @param {number} [before] only clicks up to then */
export const answer = (_, before = Infinity) => {
  const at = Date.now();
  const { element } = pending.filter((click) => click.at <= before).pop() || {};
  if (!element && down) down.answered = true;
  pending = pending.filter((click) => {
    const hit = click.element === element && click.at <= before;
    if (hit) emit("response", element, { value: Math.max(0, at - click.at) });
    return !hit;
  });
  rest();
};

/** The click that happened a moment ago, if it is still pending. */
export const recent = () => pending.filter((click) => Date.now() - click.handled < CAUSE_MS).pop();

/** The page is on its way out: that is the answer, once it has gone. */
export const leaving = () => pending.forEach((click) => (click.leaving = true));
export const gone = () => pending.some((click) => click.leaving) && answer();

/** @param {any} node */
const unseen = (node) => up(node, UNSEEN) || ignored(node);

/** @param {MutationRecord[]} records */
const changed = (records) => {
  for (const { target, addedNodes, removedNodes, attributeName } of records) {
    if (attributeName === "aria-invalid" && /** @type {any} */ (target).ariaInvalid === "true") {
      emit("error", target, { kind: "validation" });
    }
    // A ripple under the finger is no answer yet.
    const early = !pending.length && down?.element.contains(target);
    const nodes = [...addedNodes, ...removedNodes];
    if (!early && !unseen(target) && !(nodes.length && nodes.every(unseen))) return answer();
  }
};

/** What the fields beside a button hold, to see a stepper step; compared here, never sent.
 * @param {any} element */
const valueBeside = ({ previousElementSibling: before, nextElementSibling: after }) => `${before?.value} ${after?.value}`;

/** In `ms`: if nothing answered any of these clicks on one thing, and it looked as if it did something, say so.
 * One is a dead click, and over with; several are rage, and each of them may still turn out dead.
 * @param {Click[]} clicks oldest first @param {object} facts @param {number} ms */
const judge = (clicks, facts, ms) =>
  later(() => {
    const [first, several] = clicks;
    const { at, element, leaving } = first;
    if (!clicks.every((click) => pending.includes(click))) return;
    if ((open || leaving) && Date.now() - at < PATIENCE_MS) return judge(clicks, facts, CAUSE_MS);
    if (!several) {
      pending = pending.filter((click) => click !== first);
      rest();
    }
    if (!leaving && (up(element, ACTIVE) || getComputedStyle(element).cursor === "pointer")) {
      emit(several ? "rage_click" : "dead_click", element, facts);
    }
  }, ms);

/** @param {any} event */
const clicked = (event) => {
  const { type, timeStamp, clientX, clientY, detail } = event;
  const node = origin(event);
  const press = down;
  down = 0;
  const pointed = detail || type !== "click";
  // A label's click comes twice, once for its field; a drag is none.
  const echo = timeStamp === lastStamp;
  lastStamp = timeStamp;
  const dragged = press && pointed && Math.hypot(press.x - clientX, press.y - clientY) > DRAG_PX;
  if (echo || dragged || !(event.isTrusted || options.debug) || ignored(node)) return rest();
  const element = up(node, ACTIVE) || node;
  const facts = pointed ? { x: Math.round(clientX), y: Math.round(clientY) } : {};
  const at = when(event);
  touched.element = element;
  emit("click", element, facts, at);
  watch(event);
  /** @type {Click} */
  const click = { at, handled: Date.now(), element, value: valueBeside(element) };
  pending.push(click);
  if (
    press?.answered ||
    up(node, SELF) ||
    event.ctrlKey ||
    event.metaKey ||
    (getSelection()?.isCollapsed === false && getSelection()?.containsNode(node, true))
  ) {
    return answer();
  }
  later(() => {
    if (!event.defaultPrevented) click.leaving = up(element, "a[href]:not([href^='#'])");
    if (valueBeside(element) !== click.value) answer();
  });
  const burst = pending.filter((other) => other.element === element && at - other.at < RAGE_MS);
  if (burst.length === RAGE_CLICKS) judge(burst, { value: RAGE_CLICKS }, RAGE_WAIT_MS);
  judge([click], facts, DEAD_MS);
};

/** Origins that have answered on this page. What never did may be stopped by an ad blocker: nobody's trouble. */
const alive = new Set();

/** A request of the page begins. Its end answers a click it began right after; while it runs nothing is dead.
 * @param {boolean} [quiet] sent to be forgotten: counting, not answering
 * @returns {(status: number, address: string) => void} call at the end; 0: it failed, below 0: it was called off */
const request = (quiet) => {
  const began = Date.now();
  const cause = /** @type {Click | undefined} */ (!quiet && recent());
  if (cause) open++;
  return (status, address) => {
    if (cause) open--;
    const { origin, pathname } = new URL(address, location.href);
    if (status > 0) alive.add(origin);
    if ((!status || status > 399) && (origin === location.origin || (cause && alive.has(origin)))) {
      emit("error", cause?.element, { kind: "request", value: status || undefined, name: pathname.slice(0, 200) });
    } else if (cause && status > 0) answer(0, began);
  };
};

/** @type {WeakMap<XMLHttpRequest, string>} */
const addresses = new WeakMap();

const watchRequests = () => {
  wrap(window, "fetch", ([input, init]) => {
    const address = input.url || "" + input;
    if (address.startsWith(options.host + "/v1/")) return;
    const { keepalive, mode } = init || input;
    const ended = request(keepalive || mode === "no-cors");
    return (reply) =>
      reply.then(
        (/** @type {Response} */ { status }) => ended(status || 200, address),
        (/** @type {unknown} */ error) => {
          ended(calledOff(error) ? -1 : 0, address);
          excuse(error);
        },
      );
  });
  // Where a request that fails was going, it says nowhere else.
  wrap(XMLHttpRequest.prototype, "open", ([, address], self) => void addresses.set(self, address));
  wrap(XMLHttpRequest.prototype, "send", (_, self) => {
    const ended = request();
    let off = 0;
    listen(self, "abort", () => (off = -1));
    listen(self, "loadend", () => ended(self.status || off, self.responseURL || addresses.get(self)));
  });
};

export const watchClicks = () => {
  listen(window, "pointerdown", (event) => {
    if (!event.isPrimary || event.button) return;
    down = { x: event.clientX, y: event.clientY, element: origin(event) };
    watch(event);
  });
  listen(window, "pointerup pointercancel", (event) => {
    const press = down;
    // A disabled control gets no click, but the visitor did click it.
    if (press && event.type === "pointerup" && up(press.element, ":disabled")) return clicked(event);
    later(() => {
      if (press === down) down = 0;
      rest();
    }, CAUSE_MS);
  });
  listen(window, "click", clicked);
  listen(document, "play pause seeking toggle fullscreenchange input change invalid copy", ({ target }) => ignored(target) || answer());
  listen(document, "focusin", (event) => up(origin(event), FIELDS) && answer());
  listen(document, "selectionchange", () => getSelection()?.isCollapsed === false && answer());
  listen(document, "scroll", () => recent() && answer());
  if (wrapped) return;
  wrapped = true;
  for (const name of ["alert", "confirm", "prompt", "print", "open"]) wrap(window, name, () => answer);
  wrap(navigator.clipboard, "writeText", () => answer);
  watchRequests();
};
