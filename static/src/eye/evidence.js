// @ts-check
/**
 * What speaks for an answer to a watch at this moment. Each piece has a `need`: how long after the release it has
 * to be seen, in ms. The nearer to the pressed thing, the more it takes: feedback lives inside what is pressed.
 */

import { BODY, DEAF, deepActive, elementOf, inside, lent, parent, rendered, SOLID, visible, words } from "./dom.js";
import { isTip, own, reacting } from "./ledger.js";
import { differ, endless, number, paints, sheets } from "./look.js";

/** Is seen. */
export const SEEN = 100;
/** Is seen, and seen again. */
const LASTS = 400;
/** Stays when the pressed thing has come to rest. */
export const REST = 1000;

/** @typedef {{key: string, t: number, need: number, from: string, own: "no" | "maybe" | "loose"}} Evidence */

/** Attributes that say something by themselves. */
const SEMANTIC =
  /^(aria-(?!controls|owns|activedesc|labelledby|describedby).*|hidden|open|checked|disabled|selected|value|type|src|srcset|poster|placeholder|d|r|points|viewBox|readonly|inert)$/;
const FEEDBACK = /focus|hover|press|ripple|wave|touch|mouse|keyboard|pointer|active|tabbing|input/i;

/** @param {any} node */
const solid = (node) => node.nodeType === 1 && (words(node) || node.matches(SOLID) || node.querySelector(SOLID));

/** Only marks of being pressed or focused were put on or taken off.
 * @param {string} name @param {string | null | undefined} old @param {string | null} now */
const feedback = (name, old, now) => {
  if (name !== "class") return FEEDBACK.test(name);
  const [a, b] = [old, now].map((tokens) => (tokens || "").split(/\s+/));
  return [...a, ...b].every((token) => !token || a.includes(token) === b.includes(token) || FEEDBACK.test(token));
};

const RANK = { turn: 3, reply: 2, after: 1, page: 0, mood: 0, late: 0 };

/** The noted change that a visible difference comes from, if there is one.
 * @param {import("./watch.js").Watch} watch @param {any} element */
const cause = (watch, element) => {
  /** @type {any} */
  let best;
  let asked = 0;
  const ask = (/** @type {any} */ node, /** @type {import("./watch.js").Note} */ note) => {
    if (asked++ > 200 || (best && RANK[note.from] <= RANK[/** @type {"turn"} */ (best.from)])) return;
    const at = elementOf(node);
    if (at && (inside(at, element) || inside(element, at))) best = note;
  };
  for (const [node, note] of [...watch.texts, ...watch.added]) ask(node, note);
  for (const [, note] of watch.removed) ask(note.place, note);
  for (const [node, notes] of watch.attributes) for (const note of notes.values()) ask(node, note);
  return best;
};

/** @param {import("./watch.js").Watch} watch @param {boolean} look at what is seen too, not only at what was noted
 * @returns {Evidence[]} */
export const evidence = (watch, look) => {
  const { element: pressed, was } = watch;
  /** @type {Evidence[]} */
  const found = [];
  /** @param {any} element @param {string} why @param {number} t 0: since the last look @param {number} need
   * @param {string} from @param {any} [node] what came into the element */
  const say = (element, why, t, need, from, node) => {
    const key = why + " " + number(element);
    t ||= watch.since.get(key) || watch.lookedAt || watch.up;
    if (!watch.since.has(key)) {
      watch.since.set(key, t);
      // First seen together with the app's reaction to a mood: moved by that, or nobody knows whose it is.
      if (reacting(watch) && /css|look/.test(from) && why !== "value") watch.swayed.add(key);
    }
    if (watch.swayed.has(key)) from = "mood";
    if (!node && (watch.maskedAlone.has(element) || isTip(element, watch))) return;
    for (let up = node || element; watch.masked.size && up && up !== document.body; up = parent(up)) if (watch.masked.has(up)) return;
    if (lent.ignored(node || element)) return;
    const mine = own(watch, element, t, from);
    if (mine === "yes") watch.beats.add(element);
    else found.push({ key, t, need, from, own: mine });
  };
  const zone = (/** @type {any} */ element) => (inside(element, pressed) ? "in" : inside(pressed, element) ? "above" : "out");

  /** @type {any[]} */
  const unsure = [];
  // Words
  for (const [node, { old, t, from }] of watch.texts) {
    const element = parent(node);
    if (element && !DEAF.test(element.localName) && node.data.trim() !== old.trim() && rendered(element)) say(element, "text", t, SEEN, from);
  }
  // Attributes
  for (const [element, notes] of watch.attributes) {
    if (!element.isConnected || DEAF.test(element.localName)) continue;
    const close = was.map.get(element);
    for (const [name, { old, t, from }] of notes) {
      const now = element.getAttribute(name);
      // An empty one is none, but where it says something by being there.
      if (now === old || (!now && !old && /^(class|style)$/.test(name))) continue;
      if (SEMANTIC.test(name)) {
        if (rendered(element) || (close?.seen && rendered(parent(element)))) say(element, name, t, SEEN, from);
      } else if (!close?.close && zone(element) === "out" && !/^(data-|aria-|tabindex|id|role|name)/.test(name) && !feedback(name, old, now) && rendered(element)) {
        say(element, name, t, LASTS, from);
      } else if (/^(class|style)$/.test(name) && zone(element) !== "in" && from === "turn" && !feedback(name, old, now) && !isTip(element, watch)) {
        // It may show in ways that we can't see.
        unsure.push(element);
      }
    }
  }
  // Nodes: what came, less what went with the same words (drawn anew)
  /** @type {Map<string, number>} */
  const gone = new Map();
  const nameOf = (/** @type {any} */ node, /** @type {string} */ text) => node.nodeName + text;
  /** One more of that name, or one less. @param {string} name */
  const again = (name, by = -1) => {
    const n = (gone.get(name) || 0) + by;
    if (n >= 0) gone.set(name, n);
    return n >= 0;
  };
  for (const [node, { text = "" }] of watch.removed) if (!node.isConnected) again(nameOf(node, text), 1);
  for (const [node, note] of watch.added) {
    const text = words(node);
    if (again(nameOf(node, text))) continue;
    const element = elementOf(node);
    if (!node.isConnected || !element || DEAF.test(element.localName) || (node !== element && !text)) continue;
    if (!rendered(element) && !element.closest("[aria-live],[role=status],[role=alert]")) continue;
    if (isTip(node) && !note.click) continue;
    const { place } = note;
    const held = text || solid(node);
    if (!held && (FEEDBACK.test(element.getAttribute("class") || "") || !paints(element))) continue;
    say(elementOf(place) || element, "node", note.t, text || (held && zone(element) === "out") ? SEEN : REST, note.from, element);
  }
  for (const [node, { t, from, place, text = "" }] of watch.removed) {
    if (node.isConnected || !again(nameOf(node, text)) || isTip(node, watch)) continue;
    const left = elementOf(place);
    if (!left?.isConnected || DEAF.test(left.localName) || watch.masked.has(node)) continue;
    const seen = was.map.get(node)?.seen;
    if (!(text ? node.nodeType === 3 || seen !== false : seen) || !visible(left)) continue;
    say(left, "gone", t, inside(left, pressed) ? (text ? LASTS : REST) : text ? SEEN : LASTS, from);
  }
  if (was.map.get(pressed)?.seen && pressed.isConnected && !rendered(pressed)) say(pressed, "went", 0, SEEN, cause(watch, pressed)?.from || "css");
  if (watch.toggled) say(watch.toggled.element, "toggled", watch.toggled.t, SEEN, "turn");
  for (const element of unsure) found.push({ key: "unsure " + number(element), t: watch.up, need: SEEN, from: "turn", own: "loose" });
  if (!look) return found;

  // What is seen
  const restyled = sheets() !== was.sheets;
  const began = watch.up;
  /** An attribute of it, or of what it is in, was changed and stayed so. @param {any} element @param {any} [top] */
  const touched = (element, top) => {
    for (let up = element, n = 0; up && n++ < 8; up = parent(up)) {
      for (const [name, { old }] of watch.attributes.get(up) || []) {
        const now = up.getAttribute(name);
        if (now !== old && !feedback(name, old, now)) return true;
      }
      if (up === top) break;
    }
    return false;
  };
  const changedInside = () =>
    [...watch.attributes.keys()].some((element) => inside(element, pressed)) ||
    [...watch.added.values(), ...watch.removed.values()].some(({ place }) => inside(place, pressed));
  const active = deepActive();
  // The field that lost the focus to the press is drawn differently for that.
  const blurred = was.active !== active && !BODY.test(was.active?.localName) && was.active;
  const scrolled = watch.scrolled.has(document.scrollingElement);
  for (const [element, t] of watch.scrolled) if (element.isConnected && element !== pressed) say(element, "scroll", t, SEEN + 1, "look");
  const going = [...was.animations].map((/** @type {any} */ each) => ({ at: each.effect?.target, forever: endless(each) }));
  for (const { element, kind } of differ(was)) {
    // What was on its way already: all that turns, and what comes to its end.
    if (going.some(({ at, forever }) => (forever ? inside(element, at) : at === element && kind !== "text" && !touched(element)))) continue;
    const moving = /size|move/.test(kind);
    if (blurred && /look|ring|size|move/.test(kind) && (inside(element, blurred) || inside(blurred, element)) && !touched(element)) continue;
    if (moving && [...watch.beats].some((each) => inside(each, element) || parent(each) === parent(element))) continue;
    if (kind === "animation" && !was.map.has(element)) continue;
    if (scrolled && /move|grid/.test(kind)) continue;
    let need = 0;
    const where = zone(element);
    if (kind === "value") need = rendered(element) || /checkbox|radio/.test(element.type) ? SEEN : 0;
    else if (where === "in") {
      if (kind === "text") need = SEEN;
      else if (/appear|vanish/.test(kind) || (/size|look|ring/.test(kind) && touched(element, pressed))) {
        // By style alone, as long as it has the focus.
        need = changedInside() || (kind === "appear" && words(element)) ? REST : 0;
      }
    } else if (where === "above") {
      if (/text|animation/.test(kind)) need = SEEN;
      else if (/look|appear|vanish/.test(kind) && (restyled || touched(element))) need = LASTS;
    } else if (/appear|vanish|grid/.test(kind)) need = kind === "vanish" || solid(element) ? SEEN : LASTS;
    else if (/text|animation/.test(kind)) need = SEEN;
    // A picture that has come makes room for itself.
    else if (kind === "size") need = watch.loaded && !touched(element) ? 0 : LASTS;
    else if (kind === "look") need = LASTS;
    else if (kind === "move" && [...watch.moved].some((each) => inside(element, each))) need = SEEN;
    else if (restyled || touched(element)) need = LASTS;
    if (!need) continue;
    const by = cause(watch, element);
    say(element, kind, by?.t || 0, need, by?.from || "css");
  }
  if (active && active !== was.active && active !== watch.natural && !inside(active, pressed) && !inside(pressed, active) &&
    (active.isContentEditable || active.matches("input:not([type=button],[type=submit]),select,textarea"))) {
    say(active, "focus", began, SEEN, "look");
  }
  const selected = String(getSelection()).length;
  if (selected && selected !== was.selected && watch.detail < 2) say(pressed, "selection", began, SEEN, "look");
  return found;
};
