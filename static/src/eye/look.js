// @ts-check
/** A fingerprint of what can be seen around a press, and what differs later. Nothing of it leaves the page. */

import { CLEAR, deepActive, deepAt, parent, rootOf, words } from "./dom.js";

/** Elements looked at: all, and those that are looked at closely. */
const ALL = 200;
const CLOSE = 70;
/** Of those so many with what CSS draws before and after them. */
const PSEUDO = 16;
const COLUMNS = 9;
const ROWS = 7;
const FIELDS = 200;
const FIELD = "input:not([type=hidden]),select,textarea";

const SKIP = /^(script|style|link|meta|head|title|template|noscript|br|option)$/;
const PICTURE = /^(img|svg|path|rect|circle|line|text|use|canvas|video|iframe|input|button|select|textarea|progress|meter|hr)$/;

/** @param {any} element */
const ownText = (element) => {
  let text = "";
  for (let node = element.firstChild; node && text.length < 200; node = node.nextSibling) if (node.nodeType === 3) text += node.data;
  return text.trim().replace(/\s+/g, " ");
};

/** What a field holds, to be compared. @param {any} field */
const valueOf = ({ value, checked, indeterminate, selectedOptions, files }) =>
  [value, checked, indeterminate, selectedOptions?.length, files?.length].join();

/** @param {any} element @param {number} nth in the order of nearness: the nearer, the closer we look */
const measure = (element, nth) => {
  // Asked for its box, what lies in closed details would be laid out.
  const box = element.checkVisibility() ? element.getBoundingClientRect() : new DOMRect();
  const is = {
    x: Math.round(box.x), y: Math.round(box.y), w: Math.round(box.width), h: Math.round(box.height),
    text: ownText(element), look: "", ring: "", pseudo: "", seen: false, close: nth < CLOSE,
  };
  if (is.w < 2 || is.h < 2 || box.bottom <= 0 || box.top >= innerHeight || box.right <= 0 || box.left >= innerWidth) return is;
  const style = getComputedStyle(element);
  const { backgroundColor, backgroundImage, opacity, boxShadow } = style;
  is.look = style.color + backgroundColor + backgroundImage + opacity;
  if (is.close) {
    is.look += style.filter + style.textDecorationLine + style.fill;
    is.ring = boxShadow + style.outlineStyle + style.borderTopColor;
  }
  is.seen = !!(
    style.visibility === "visible" &&
    +opacity > 0.02 &&
    (is.text || PICTURE.test(element.localName) || !CLEAR.test(backgroundColor) || backgroundImage !== "none" ||
      boxShadow !== "none" || (style.borderTopStyle !== "none" && style.borderTopWidth !== "0px"))
  );
  for (const which of nth < PSEUDO ? ["::before", "::after"] : []) {
    const { content, width, height, backgroundColor, opacity, transform } = getComputedStyle(element, which);
    if (!/^(none|normal)$/.test(content)) is.pseudo += content + width + height + backgroundColor + opacity + transform;
  }
  return is;
};

/** It is drawn itself, or something in it. @param {any} element */
export const paints = (element) => [element, ...element.querySelectorAll("*")].slice(0, 20).some((each) => measure(each, ALL).seen);

/** The pressed element, what is in it, then what is drawn nearest to it in the tree, up to the top.
 * @param {any} element @returns {Set<any>} */
const gather = (element) => {
  const set = new Set();
  const walk = (/** @type {any} */ top, /** @type {number} */ most) => {
    const stack = [top];
    while (stack.length && most > 0 && set.size < ALL) {
      const next = stack.pop();
      if (SKIP.test(next.localName)) continue;
      if (!set.has(next)) set.add(next), most--;
      for (const box of [next, rootOf(next)]) {
        let n = 0;
        for (let child = box?.lastElementChild; child && n++ < 40; child = child.previousElementSibling) stack.push(child);
      }
    }
  };
  walk(element, 60);
  for (let from = element, up; (up = parent(from)); from = up) {
    set.add(up);
    let { previousElementSibling: before, nextElementSibling: after } = from;
    for (let n = 0; n < 15 && (before || after) && set.size < ALL; n++) {
      if (after) walk(after, 40), (after = after.nextElementSibling);
      if (before) walk(before, 40), (before = before.previousElementSibling);
    }
  }
  return set;
};

/** Style sheets, to see rules come and go. */
export const sheets = () => {
  let all = "";
  for (const sheet of [...document.styleSheets, ...document.adoptedStyleSheets]) {
    let rules;
    try {
      rules = sheet.cssRules.length;
    } catch {} // another origin's
    all += [number(sheet), sheet.disabled, sheet.media.mediaText, rules];
  }
  return all;
};
/** @type {WeakMap<object, number>} */
const numbers = new WeakMap();
let count = 0;
/** @param {object} thing @returns {number} the same for the same thing */
export const number = (thing) => {
  if (!numbers.has(thing)) numbers.set(thing, ++count);
  return /** @type {number} */ (numbers.get(thing));
};

/** @type {any} */
let small;
/** Nothing is drawn there, or it is WebGL, which reads so. */
export const BLANK = "blank";
/** A canvas in 8 x 8 pixels; "": it can't be read. @param {any} canvas @returns {string} */
export const thumbnail = (canvas) => {
  try {
    small ||= new OffscreenCanvas(8, 8).getContext("2d", { willReadFrequently: true });
    small.clearRect(0, 0, 8, 8);
    small.drawImage(canvas, 0, 0, 8, 8);
    const { data } = small.getImageData(0, 0, 8, 8);
    return data.some(Boolean) ? data.join() : BLANK;
  } catch {
    small = null;
    return "";
  }
};

/** @param {Iterable<any>} elements @returns {Map<any, string>} up to four that are seen */
const canvases = (elements) => {
  const found = new Map();
  for (const canvas of elements) {
    if (canvas.localName !== "canvas" || found.size > 3) continue;
    const { width, height, bottom, top } = canvas.getBoundingClientRect();
    if (width * height > 2000 && bottom > 0 && top < innerHeight) found.set(canvas, thumbnail(canvas));
  }
  return found;
};

const endless = (/** @type {any} */ animation) => animation.effect?.getComputedTiming().endTime === Infinity;

/** @param {any} element what is pressed, or about to be */
export const take = (element) => {
  const elements = gather(element);
  const points = [];
  for (let n = 0; n < ROWS * COLUMNS; n++) {
    const x = (((n % COLUMNS) + 0.5) * innerWidth) / COLUMNS;
    const y = ((Math.floor(n / COLUMNS) + 0.5) * innerHeight) / ROWS;
    const hit = deepAt(x, y);
    points.push({ x, y, hit });
    if (hit) elements.add(hit);
  }
  /** @type {Map<any, ReturnType<measure>>} */
  const map = new Map();
  for (const each of elements) map.set(each, measure(each, map.size));
  const fields = [...document.querySelectorAll(FIELD)].slice(0, FIELDS);
  for (const each of elements) if (each.matches(FIELD)) fields.push(each);
  const animations = new Set(document.getAnimations());
  return {
    element, map, points, animations,
    values: new Map(fields.map((field) => [field, valueOf(field)])),
    /** What was on its way already. */
    going: new Set([...animations].map((/** @type {any} */ animation) => animation.effect?.target)),
    turning: [...animations].filter(endless).map((/** @type {any} */ animation) => animation.effect.target),
    sheets: sheets(),
    canvases: canvases([...document.querySelectorAll("canvas"), ...elements]),
    active: deepActive(),
    selected: String(getSelection()).length,
    at: performance.now(),
  };
};

/** What differs now. Kinds: appear, vanish, text, size, look, ring, pseudo, move, value, animation, grid.
 * @param {ReturnType<take>} was @returns {{element: any, kind: string}[]} */
export const differ = (was) => {
  /** @type {{element: any, kind: string}[]} */
  const found = [];
  const add = (/** @type {any} */ element, /** @type {string} */ kind) => found.push({ element, kind });
  for (const [field, value] of was.values) if (field.isConnected && valueOf(field) !== value) add(field, "value");
  let nth = 0;
  for (const [element, a] of was.map) {
    const n = nth++;
    if (!element.isConnected) continue; // the ledger knows
    const b = measure(element, n);
    const flat = b.w < 2 || b.h < 2;
    if (a.seen !== b.seen) add(element, b.seen ? "appear" : "vanish");
    // A fold draws nothing itself.
    else if (!b.seen && (a.w < 2 || a.h < 2) !== flat && words(element)) add(element, flat ? "vanish" : "appear");
    else if (b.seen) {
      if (a.text !== b.text) add(element, "text");
      if (Math.abs(a.w - b.w) > 2 || Math.abs(a.h - b.h) > 2) add(element, "size");
      else if (Math.abs(a.x - b.x) > 3 || Math.abs(a.y - b.y) > 3) add(element, "move");
      for (const kind of /** @type {const} */ (["look", "ring", "pseudo"])) if (a[kind] !== b[kind]) add(element, kind);
    }
  }
  for (const { x, y, hit } of was.points) {
    const now = deepAt(x, y);
    if (!now || now === hit || was.map.has(now)) continue;
    const a = was.map.get(hit);
    const b = measure(now, ALL);
    // Drawn anew with the same content is no difference.
    if (b.seen && !(hit?.localName === now.localName && a?.text === b.text && Math.abs(a.w - b.w) < 3 && Math.abs(a.h - b.h) < 3)) add(now, "grid");
  }
  for (const animation of document.getAnimations()) {
    const target = /** @type {any} */ (animation).effect?.target;
    if (target && !was.animations.has(animation) && !(animation instanceof CSSTransition) && !endless(animation)) add(target, "animation");
  }
  return found;
};

/** Nothing in it moves, but what always does. @param {(node: any) => boolean} within */
export const calm = (within) =>
  !document.getAnimations().some((/** @type {any} */ animation) => animation.playState === "running" && within(animation.effect?.target) && !endless(animation));
