// @ts-check
/** A fingerprint of what can be seen around a press, and what differs later. Nothing of it leaves the page. */

import { CLEAR, DEAF, deepActive, deepAt, parent, rootOf, share, sizeUp, SOLID, tidy, TYPED, visible, words } from "./dom.js";

/** Elements looked at: ahead of a press; as a thing goes down that nobody was seen to approach, and until it is let go;
 * and those that are looked at closely. */
const ALL = 150;
const AT_ONCE = 20;
const DOWN = 40;
const CLOSE = 40;
/** Of those so many with what CSS draws before and after them. */
const PSEUDO = 8;
/** Children among which an element's own words are looked for: more are a list. */
const TEXTS = 20;
const COLUMNS = 6;
const ROWS = 4;
/** A canvas that takes up less of the window is an icon. */
const CANVAS = 0.002;

/** All that holds a value, or pixels. The browser keeps these lists itself: to ask again costs nothing. */
const valued = ["input", "select", "textarea", "canvas"].map((name) => document.getElementsByTagName(name));

/** What a field holds, to be compared. @param {any} field */
const valueOf = (field) => {
  try {
    const { value, checked, indeterminate, selectedOptions, files } = field;
    return [value, checked, indeterminate, selectedOptions?.length, files?.length].join();
  } catch {} // a component's own code
};

/** @param {any} element @param {number} nth in the order of nearness: the nearer, the closer we look */
const measure = (element, nth) => {
  // Asked for its box, what lies in closed details would be laid out.
  const box = visible(element) ? element.getBoundingClientRect() : new DOMRect();
  const { x, y, width, height } = box;
  const is = { x, y, width, height, flat: width < 2 || height < 2, text: "", look: "", ring: "", seen: false, close: nth < CLOSE };
  if (is.flat || !share(box)) return is;
  for (let node = element.firstChild, n = 0; node && n++ < TEXTS; node = node.nextSibling) if (node.nodeType === 3) is.text += node.data;
  is.text = tidy(is.text);
  // Each property that is read costs: what is far is looked at no more closely than it takes.
  const style = getComputedStyle(element);
  const { backgroundColor } = style;
  is.look = style.color + backgroundColor;
  if (is.close) {
    is.look += style.opacity + style.backgroundImage + style.filter + style.fill + style.textDecorationLine;
    is.ring = style.boxShadow + style.outlineStyle + style.borderTop;
  }
  is.seen = !!(
    is.text || element.ownerSVGElement || element.matches(SOLID) || !CLEAR.test(backgroundColor) ||
    style.backgroundImage + style.boxShadow !== "nonenone" || !/^0px|none/.test(style.borderTop)
  );
  for (const which of nth < PSEUDO ? ["::before", "::after"] : []) {
    const { content, width, height, backgroundColor, opacity, transform } = getComputedStyle(element, which);
    if (!/^(none|normal)$/.test(content)) is.look += content + width + height + backgroundColor + opacity + transform;
  }
  return is;
};

/** It is drawn itself, or something in it. @param {any} element */
export const paints = (element) => [element, ...element.querySelectorAll("*")].slice(0, 20).some((each) => measure(each, ALL).seen);

/** What is drawn nearest to the pressed element in the tree: it, what is in it, beside it and above it.
 * @param {any} element @param {number} most @returns {Set<any>} */
const gather = (element, most) => {
  const set = new Set([element]);
  // It grows as we go.
  for (const each of set) {
    const drawn = !DEAF.test(each.localName);
    for (const near of [drawn && each.firstElementChild, drawn && rootOf(each)?.firstElementChild, each.nextElementSibling, parent(each), each.previousElementSibling]) {
      if (near && near.localName !== "option" && set.size < most) set.add(near);
    }
  }
  return set;
};

/** What lies at the points of a grid over the window. */
const grid = () => {
  const [wide, high] = sizeUp();
  return Array.from({ length: ROWS * COLUMNS }, (_, n) => deepAt((((n % COLUMNS) + 0.5) * wide) / COLUMNS, ((Math.floor(n / COLUMNS) + 0.5) * high) / ROWS));
};

/** Style sheets, to see rules come and go. */
export const sheets = () => {
  let all = "";
  for (const sheet of [...document.styleSheets, ...document.adoptedStyleSheets]) {
    let rules;
    try {
      rules = sheet.cssRules.length;
    } catch {} // another origin's
    all += [number(sheet), sheet.disabled, rules];
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
/** A canvas in 8 x 8 pixels; "": it can't be read. @param {any} canvas @returns {string} */
export const thumbnail = (canvas) => {
  try {
    small ||= new OffscreenCanvas(8, 8).getContext("2d", { willReadFrequently: true });
    // else single points are read, and what lies between them is not seen
    small.imageSmoothingQuality = "high";
    small.clearRect(0, 0, 8, 8);
    small.drawImage(canvas, 0, 0, 8, 8);
    return small.getImageData(0, 0, 8, 8).data.join();
  } catch {
    return (small = "");
  }
};

export const endless = (/** @type {any} */ animation) => animation.effect?.getComputedTiming().endTime === Infinity;

/** @param {any} element what is pressed, or about to be @param {boolean} [quick] only what is nearest: the rest by `complete` */
export const take = (element, quick) => {
  sizeUp();
  const near = [...gather(element, quick ? DOWN : ALL)];
  const was = {
    element, near,
    /** @type {Map<any, ReturnType<typeof measure>>} */
    map: new Map(),
    /** What lay at the points of the grid. @type {any[]} */
    points: [],
    /** @type {Map<any, string | undefined>} */
    values: new Map(),
    /** Up to four that are seen. @type {Map<any, string>} */
    canvases: new Map(),
    /** What was on its way already. */
    animations: new Set(document.getAnimations()),
    sheets: sheets(),
    active: deepActive(),
    selected: String(getSelection()).length,
    at: performance.now(),
  };
  for (const list of valued) for (const each of list) keep(was, each);
  add(was, quick ? near.slice(0, AT_ONCE) : near);
  if (!quick) complete(was);
  return was;
};

/** What a field holds, what a canvas shows. @param {any} was @param {any} each */
const keep = ({ values, canvases }, each) => {
  if ((TYPED.test(each.localName) || each.localName.includes("-")) && values.size < ALL) values.set(each, valueOf(each));
  else if (each.localName === "canvas" && canvases.size < 4 && share(each.getBoundingClientRect()) > CANVAS) canvases.set(each, thumbnail(each));
};

/** @param {any} was @param {Iterable<any>} elements */
const add = (was, elements) => {
  for (const each of elements) {
    if (!each || was.map.has(each)) continue;
    was.map.set(each, measure(each, was.map.size));
    keep(was, each);
  }
};

/** What had to wait while the press went down: what is further away, and at the points of a grid.
 * @param {any} was @param {(element: any) => boolean} [other] it has changed since, or was not there
 * @returns {boolean} it was not complete */
export const complete = (was, other = () => false) => {
  if (was.points.length) return false;
  was.points = grid();
  add(was, [...was.near, ...was.points].filter((each) => !other(each)));
  return true;
};

/** What differs now. Kinds: appear, vanish, text, size, look, ring, move, value, animation, grid.
 * @param {ReturnType<take>} was @returns {{element: any, kind: string}[]} */
export const differ = (was) => {
  /** @type {{element: any, kind: string}[]} */
  const found = [];
  const add = (/** @type {any} */ element, /** @type {string} */ kind) => found.push({ element, kind });
  const further = (/** @type {number} */ most, /** @type {number[]} */ ...by) => by.some((px) => Math.abs(px) > most);
  for (const [field, value] of was.values) if (field.isConnected && valueOf(field) !== value) add(field, "value");
  const points = grid();
  let nth = 0;
  for (const [element, a] of was.map) {
    const n = nth++;
    if (!element.isConnected) continue; // the ledger knows
    const b = measure(element, n);
    if (a.seen !== b.seen) add(element, b.seen ? "appear" : "vanish");
    // A fold draws nothing itself.
    else if (!b.seen && a.flat !== b.flat && words(element)) add(element, b.flat ? "vanish" : "appear");
    else if (b.seen) {
      if (further(2, a.width - b.width, a.height - b.height)) add(element, "size");
      else if (further(3, a.x - b.x, a.y - b.y)) add(element, "move");
      for (const kind of /** @type {const} */ (["text", "look", "ring"])) if (a[kind] !== b[kind]) add(element, kind);
    }
  }
  was.points.forEach((hit, n) => {
    const now = points[n];
    if (!now || was.map.has(now)) return;
    const a = was.map.get(hit);
    const b = measure(now, ALL);
    // Drawn anew with the same content is no difference.
    if (b.seen && !(a && hit.localName === now.localName && a.text === b.text && !further(2, a.width - b.width, a.height - b.height))) add(now, "grid");
  });
  for (const animation of document.getAnimations()) {
    const target = /** @type {any} */ (animation).effect?.target;
    if (target && !was.animations.has(animation) && !(animation instanceof CSSTransition) && !endless(animation)) add(target, "animation");
  }
  return found;
};

/** Nothing in it moves, but what always does. @param {(node: any) => boolean} within */
export const calm = (within) =>
  !document.getAnimations().some((/** @type {any} */ animation) => animation.playState === "running" && within(animation.effect?.target) && !endless(animation));
