// @ts-check
/** What changes on the page, whose doing it is, and what the page does anyway. */

import { elementOf, inside, lent, parent, rootOf, words } from "./dom.js";
import { inClick, inShared, PAGE, turn } from "./turn.js";
import { clock, watches } from "./waiting.js";

/** Unlinked, a change later than this after the release may be anybody's. */
const LOOSE_MS = 100;
/** Changes nearer to each other are one beat of the page's pulse. */
const BEAT_MS = 30;
const BEATS = 100;
const PULSE_MS = 20000;
/** While a click waits this long for its verdict, a beat may be its doing. */
const WAIT_MS = 2500;
/** What a press's request, script or picture brings is waited for so long. */
export const HOLD_MS = 30000;
/** Records of one batch that are looked at. */
const RECORDS = 1000;

// ---------------------------------------------------------------- the page's own pulse

/** When an element changed in nobody's turn, and whether no click waited then (free).
 * @type {WeakMap<any, {t: number, free: boolean}[]>} */
const pulses = new WeakMap();

/** @param {any} element @param {number} t @param {boolean} free */
const beat = (element, t, free) => {
  const pulse = pulses.get(element) || [];
  pulses.set(element, pulse);
  const since = t - /** @type {any} */ (pulse.at(-1))?.t;
  if (!(since < BEAT_MS) && pulse.push({ t, free }) > BEATS) pulse.shift();
};

/** As timers are. @param {{t: number}[]} pulse */
const even = (pulse) => {
  const gaps = pulse.slice(1).map(({ t }, n) => t - pulse[n].t);
  return gaps[1] && Math.max(...gaps) < Math.min(...gaps) * 1.8 + 40;
};

/** Is a change of `element` at `t` the page's own? "no": it is the click's. "maybe": wait to the end. "loose":
 * nobody knows.
 * @param {import("./watch.js").Watch} watch @param {any} element @param {number} t @param {string} from
 * @returns {"no" | "maybe" | "loose" | "yes"} */
export const own = (watch, element, t, from) => {
  if (/turn|look/.test(from)) return "no";
  // From the first click: what a later one seems to bring, and that one did not, is a coincidence.
  const late = from !== "reply" && t - watch.up > LOOSE_MS;
  // A page that asks its server again and again may so learn what the click has brought about.
  if (late && from === "page" && !watch.holds.size && !watch.reply) return "yes";
  /** @type {"no" | "maybe" | "loose"} */
  let answer = late ? "loose" : "no";
  for (let up = element, n = 0; up && n++ < 4 && up !== document.body; up = parent(up)) {
    const pulse = pulses.get(up) || [];
    if (!pulse.some((each) => each.free && each.t < watch.down && each.t > watch.down - PULSE_MS)) continue;
    if (late || even(pulse) || (from !== "reply" && pulse.length > 3)) return "yes";
    if (from !== "css") answer = "maybe";
  }
  return answer;
};

// ---------------------------------------------------------------- the ledger

/** @param {any} watch @param {any} what it waits for @returns {() => void} waits no longer */
export const hold = (watch, what, ms = HOLD_MS) => {
  const release = () => watch.holds.delete(what);
  watch.holds.add(what);
  lent.later(release, ms);
  return release;
};

/** Inside a tooltip. One that also holds what was pressed is none, unless it is a component that draws the rest.
 * @param {any} node @param {any} [watch] */
export const isTip = (node, watch) => {
  for (let up = elementOf(node), n = 0; up && n++ < 8; up = parent(up)) {
    const kind = up.getAttribute("class") || "";
    if (up.getAttribute("role") === "tooltip" || /(^|[\s_-])(tooltip|tippy)([\s_-]|$)/i.test(kind)) {
      // Popovers and lists to choose from have the role, too.
      return !/popover/i.test(kind) && !up.querySelector("li,a,button,input") && (!watch || !inside(watch.element, up) || up.localName.includes("-"));
    }
  }
  return false;
};

/** @param {any} watch @param {MutationRecord & any} record @param {number} t @param {any} from */
const note = (watch, record, t, from) => {
  const { target, type, attributeName: name, oldValue: old, addedNodes, removedNodes } = record;
  if (type === "characterData") {
    if (!watch.texts.has(target)) watch.texts.set(target, { old, t, from });
  } else if (type === "attributes") {
    const value = target.getAttribute(name);
    let notes = watch.attributes.get(target);
    if (!notes) watch.attributes.set(target, (notes = new Map()));
    const click = from === "turn" && inClick() && watch.clicks.length;
    const first = notes.get(name);
    if (!first) notes.set(name, { old, t, from, click, value });
    // One click puts it on, a later one takes it off: a switch. Press feedback goes by a timer, or the release.
    else if (first.click && click > first.click && name !== "style" && (value || "") === (first.old || "") && first.value !== first.old && inside(target, watch.element)) {
      watch.toggled ||= { element: target, t: first.t };
    }
    if (target.localName === "link") hold(watch, target);
  } else {
    for (const node of removedNodes) {
      if (!watch.added.delete(node)) watch.removed.set(node, { t, from, place: target, text: words(node) });
    }
    for (const node of addedNodes) {
      if (watch.removed.delete(node)) watch.moved.add(node);
      else watch.added.set(node, { t, from, place: target, click: from === "turn" && inClick() ? 1 : 0 });
      if (/^(script|link|iframe|img)$/i.test(node.nodeName) && (node.src || node.href)) hold(watch, node);
    }
  }
};

/** @type {(watch: any, ms: number) => void} */
let soon;
/** What follows a change of mood within this, and no turn says whose it is, may be the app's reaction. */
const REACT_MS = 1000;
let reactedAt = -REACT_MS;
export const react = () => (reactedAt = clock());
/** The app may be reacting now to a mood that it has heard of after the press. @param {any} [watch] */
export const reacting = (watch) => clock() - reactedAt < REACT_MS && !(watch?.down > reactedAt);
/** Until then what nobody's turn brings is taken for the reply to a request of the page's own. */
let repliedUntil = 0;
export const replied = (/** @type {number} */ ms) => (repliedUntil = clock() + ms);

/** When something last changed. */
export const last = { change: 0 };

/** @param {any[]} records */
const digest = (records) => {
  const t = (last.change = clock());
  const who = turn();
  const mine = who && !who.visitor ? who : null;
  const page = who === PAGE;
  const foreign = who?.visitor && !page;
  const mood = !who && reacting();
  const list = records.filter((record) => !lent.ignored(record.target)).slice(0, RECORDS);
  // What the visitor's next move, a mood, or a click that has its verdict set going is no other click's doing.
  // One click starts a loop of frames, and the next on the same thing only steers it.
  const heirs = mine?.done ? watches.filter(({ element }) => element === mine.element) : [];
  if (foreign || mine?.done) {
    for (const watch of watches) {
      if (watch === mine || heirs.includes(watch)) continue;
      for (const { type, target, addedNodes, removedNodes } of list) {
        if (type === "attributes") watch.masked.add(target);
        else watch.maskedAlone.add(elementOf(target));
        for (const node of [...addedNodes, ...removedNodes]) watch.masked.add(node);
      }
    }
  }
  if (foreign) return;
  const free = !watches.some((watch) => watch.up && t - watch.last < WAIT_MS);
  const shared = mine && inShared();
  for (const record of list) {
    const element = elementOf(record.target);
    if (!element) continue;
    if (record.attributeName === "aria-invalid" && record.oldValue !== "true" && element.ariaInvalid === "true" && watches.some(({ up }) => up)) {
      lent.emit("error", element, { kind: "validation" });
    }
    if (!mine || shared) beat(element, t, !mine && free);
    for (const watch of mine ? [mine, ...heirs] : watches) note(watch, record, t, watch !== mine && mine ? "after" : mine ? (shared ? "reply" : "turn") : page ? "page" : mood ? "mood" : watch.reply > t ? "reply" : t < repliedUntil ? "page" : watch.closed ? "late" : "after");
    for (const node of record.addedNodes) if (node.nodeType === 1) meet(node);
  }
  if (!mine) for (const watch of watches) soon(watch, 60);
};

// ---------------------------------------------------------------- what is watched

const ALL = { subtree: true, childList: true, characterData: true, attributes: true };
/** Nobody waits: enough to learn the page's pulse. */
export const LIGHT = { ...ALL, attributeFilter: ["class", "style", "hidden", "src", "value"] };
/** A click waits. */
export const FULL = { ...ALL, attributeOldValue: true, characterDataOldValue: true };

/** @type {Set<any>} */
const roots = new Set();
/** @type {any} */
let level = null;
/** @type {MutationObserver} */
let observer;

/** @param {any} how LIGHT, FULL, or null for not at all */
export const observe = (how) => {
  if (how === level) return;
  level = how;
  if (!how) return observer.disconnect();
  for (const root of roots) {
    if (root === document || root.host.isConnected) observer.observe(root, how);
    else roots.delete(root);
  }
};
export const observing = () => level;

/** Shadow roots are watched once they have been seen. @param {any} element */
export const meet = (element) => {
  const root = rootOf(element);
  if (root && !roots.has(root)) {
    roots.add(root);
    if (level) observer.observe(root, level);
    meet(root);
  }
  const all = element.querySelectorAll("*");
  if (all.length < 500) for (const each of all) if (rootOf(each)) meet(each);
};

/** Reads what has been recorded and not told yet. */
export const catchUp = () => {
  const records = observer.takeRecords();
  if (records.length) digest(records);
};

/** @param {(watch: any, ms: number) => void} look asks for a look at a watch, in so many ms */
export const startLedger = (look) => {
  soon = look;
  observer ||= new MutationObserver((records) => lent.safe(digest)(records));
  level = null;
  roots.add(document);
};
