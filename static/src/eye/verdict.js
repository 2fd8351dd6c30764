// @ts-check
/** When to look, what is enough, and what is told: answered, dead, rage; and where we can't see, nothing. */

import { inside, lent, parent, rootOf, share, words } from "./dom.js";
import { evidence, REST, SEEN } from "./evidence.js";
import { catchUp, FULL, last, LIGHT, meet, observe, react as reacts } from "./ledger.js";
import { calm, complete, thumbnail } from "./look.js";
import { OFF } from "./thing.js";
import { plainFrame, plainTimeout } from "./turn.js";
import { clock, watches } from "./waiting.js";
import { alike, focusedAlready, watchOf } from "./watch.js";

/** @typedef {import("./watch.js").Watch} Watch */

/** Nothing by then: nobody waits any longer. */
const DEAD_MS = 2500;
const LOOKS = [100, 400, 1000];
/** Looks at one watch because something changed. */
const MORE = 12;
/** With a request or a navigation under way a click waits up to here. */
const PATIENCE_MS = 30000;
/** So many clicks on one thing within so long, and none answered: rage. Four, as three vendors found. */
const RAGE_CLICKS = 4;
const RAGE_MS = 1000;
/** Said so long after the fourth: pages that answer do so within half a second, and a tenth for the timers. */
const RAGE_WAIT_MS = 600;
/** Who hammers on what still loads waits for so long: answered by then, it was slow. */
const PAINFUL_MS = 6000;
/** Who leaves earlier than this has not waited for anything. */
const LEFT_MS = 1000;
/** A frame over so much of the window may have answered. */
const FRAME = 0.25;

/** What is pressed right now. @type {{press: any}} */
export const hand = { press: null };
/** What showed something while it had the focus: pressed again, it has nothing left to do. */
const opensByFocus = new WeakSet();
/** What holds something that has answered. @type {WeakSet<Element>} */
const worked = new WeakSet();

/** @param {Watch} watch */
const drop = (watch) => {
  watch.done = true;
  const at = watches.indexOf(watch);
  if (at >= 0) watches.splice(at, 1);
  if (!watches.length && !hand.press) observe(LIGHT);
};

/** The page answered: every click on it that has no verdict yet.
 * @param {Watch | null | undefined} watch @param {string} why @param {number} [t] */
export const answer = (watch, why, t = clock()) => {
  if (!watch || watch.done) return;
  // Pressed, not yet clicked.
  if (!watch.up) return void (watch.early ||= { why, t });
  watch.done = true;
  worked.add(parent(watch.element) || watch.element);
  if (/^(appear|vanish)/.test(why)) opensByFocus.add(watch.element);
  for (const click of watch.clicks) {
    if (!click.told) lent.emit("response", watch.element, { value: Math.max(0, Math.round(t - click.t)) });
    click.told = true;
  }
  drop(watch);
};

/** Looks once, and tells if it has been answered. `again`: it is pressed again now, which may undo what is seen.
 * @param {Watch} watch @param {{seeing?: boolean, final?: boolean, again?: boolean}} [how]
 * @returns {any} true: answered; a piece of evidence that may still become an answer; or nothing */
const look = (watch, { seeing = !watch.closed, final = false, again = false } = {}) => {
  if (watch.done) return true;
  catchUp();
  const t = clock();
  const rest = hand.press?.watch !== watch && t - watch.last > REST - 20;
  const age = t - watch.up;
  const found = evidence(watch, seeing);
  /** @type {boolean | undefined} */
  let still;
  const atRest = () => (still ??= rest && calm((node) => inside(node, watch.element)));
  /** @type {any} */
  let hit;
  /** @type {any} */
  let open;
  for (const piece of found) {
    const { need } = piece;
    if (piece.from === "mood") {
      if (final && !/^(grid|move|size)/.test(piece.key)) watch.late ||= piece;
      continue;
    }
    if (!open || need < open.need) open = piece;
    // Nobody knows whose it is.
    if (piece.from === "late" || piece.own === "loose") {
      if (final) watch.late ||= piece;
      continue;
    }
    if (piece.own === "maybe" && !final) continue;
    if (need >= REST ? watch.holds.size || !atRest() : age < need - 20 && !final && !(again && need <= SEEN)) continue;
    // seen at two looks
    if (need > 100 && need < REST && !watch.keys.has(piece.key) && !final) continue;
    if (!hit || piece.t < hit.t) hit = piece;
  }
  watch.keys = new Set(found.map(({ key }) => key));
  if (seeing) watch.lookedAt = t;
  if (hit) answer(watch, hit.key, hit.t);
  return watch.done || open;
};

/** After a frame, when the layout is fresh; soon anyway where no frames come. @param {() => void} fn */
const afterFrame = (fn) => {
  let ran = false;
  const go = lent.safe(() => ran || ((ran = true), fn()));
  plainFrame(() => plainTimeout(go));
  plainTimeout(go, 250);
};
/** @param {number} ms @param {() => void} fn */
const after = (ms, fn) => plainTimeout(lent.safe(() => afterFrame(fn)), ms);

/** @param {Watch} watch @param {number} ms */
export const soon = (watch, ms) => {
  if (watch.due || watch.done || !watch.up || watch.looks > MORE) return;
  watch.due = true;
  watch.looks++;
  after(ms, () => {
    watch.due = false;
    look(watch);
  });
};

/** It takes up a good part of what can be seen. @param {Element} element */
const large = (element) => share(element.getBoundingClientRect()) > FRAME;

/** Why we could not see whether anything happened.
 * @param {Watch} watch */
const blind = (watch) => {
  const { element, was } = watch;
  const { localName } = element;
  if (opensByFocus.has(element) && focusedAlready(watch)) return "focus";
  if (/^(canvas|embed|object|iframe)$/.test(localName)) return localName;
  if (localName.includes("-") && !rootOf(element) && customElements.get(localName) && !element.firstElementChild) return "closed";
  for (const [canvas, before] of was.canvases) {
    const now = canvas.isConnected && thumbnail(canvas);
    // It can't be read; or it was drawn anew, and who knows why; or it reads blank, as WebGL does: a large one is
    // what the page is about.
    if (!now || now !== before || (!/[1-9]/.test(now) && large(canvas))) return "canvas";
  }
  return [...document.querySelectorAll("iframe,embed,object")].some(large) ? "frame" : "";
};

/** Steps one way. @param {Element} element */
const steps = (element) => {
  const text = words(element);
  return /^[-+−–<>‹›«»←→◀▶▲▼]+$/.test(text) || (!text && /^(next|prev|(in|de)cre)/i.test(element.ariaLabel || ""));
};

/** One of two that step to and fro: silent it may be at its end. Fast clicks are believed to be in vain where neither
 * has answered yet. @param {Watch} watch @param {boolean} fast */
const atEnd = ({ element }, fast) => {
  const up = parent(element);
  return up && steps(element) && (!fast || worked.has(up)) && [...up.children].filter(steps).length > 1;
};

/** It shows that it has nothing to give. @param {Watch} watch @param {boolean} [fast] */
const kindOf = (watch, fast = false) =>
  watch.element.closest(OFF) ? "disabled" : watch.here ? "current" : atEnd(watch, fast) ? "end" : undefined;

/** @param {Watch} watch */
const underWay = (watch) => watch.holds.size || watch.leaving || watch.reply + LOOKS[1] > clock();

/** @param {Watch} watch @param {any} click */
const judge = (watch, click) => {
  if (watch.done || click.told || look(watch, { final: true }) === true) return;
  const t = clock();
  if ((underWay(watch) || t < watch.until || t - watch.last < REST - 20) && t - click.t < PATIENCE_MS) return void after(LOOKS[1], () => judge(watch, click));
  click.told = true;
  // Unknown settles it: neither trouble nor praise.
  if (watch.late || blind(watch)) lent.emit("response", watch.element, { kind: "unknown" });
  else if (!watch.leaving) lent.emit("dead_click", watch.element, { ...click.facts, kind: kindOf(watch) });
  if (watch.clicks.every((/** @type {any} */ { told }) => told)) drop(watch);
};

/** Four fast clicks on one thing, and the page had its time. @param {Watch} watch */
const rage = (watch) => {
  if (watch.done || watch.raged || watch.leaving) return;
  const open = look(watch);
  if (open === true || watch.raged) return;
  // What it waits for, or what shows inside it and may be mere feedback: what still moves when it rests is that.
  const feedback = open?.need === REST && clock() - watch.last > REST;
  if ((open && !feedback) || (underWay(watch) && clock() - watch.last < PAINFUL_MS)) return void after(LOOKS[0], () => rage(watch));
  if (blind(watch)) return;
  watch.raged = true;
  lent.emit("rage_click", watch.element, { value: RAGE_CLICKS, kind: kindOf(watch, true) });
};

/** The clicks on it that came within a second of the last. @param {Watch} watch */
const burst = ({ clicks }) => clicks.filter(({ t, told }) => !told && clicks.at(-1).t - t < RAGE_MS).length;

/** Presses `element`: one watch for all that it is pressed in vain, with the first fingerprint.
 * @param {any} element @param {any} [was] a fingerprint from just before @returns {Watch} */
export const press = (element, was) => {
  const same = watches.find((watch) => !watch.closed && (watch.element === element || alike(watch, element)));
  if (same) same.element = element;
  if (same && look(same, { again: true }) !== true) return same;
  observe(FULL);
  /** @type {Watch} */
  const watch = watchOf(element, was);
  meetAll(watch);
  watches.push(watch);
  plainTimeout(lent.safe(() => prepare(watch)));
  return watch;
};

/** Takes the rest of the fingerprint while the finger is down; what its going down has changed is not taken.
 * @param {Watch} watch */
const prepare = (watch) => {
  const { was, attributes, added } = watch;
  if (complete(was, (each) => [...attributes.keys(), ...added.keys()].some((node) => inside(each, node)))) meetAll(watch);
};

/** @param {Watch} watch */
const meetAll = ({ was }) => {
  for (const each of was.map.keys()) if (rootOf(each)) meet(each);
};

/** It was let go: a click. What a busy page does once it comes to a click is that click's doing: waits are
 * measured from the click, all else from now.
 * @param {Watch} watch @param {number} t when it was let go @param {object} facts for the wire */
export const release = (watch, t, facts) => {
  const click = { t, up: clock(), facts, told: false };
  if (!watch.up) prepare(watch);
  watch.clicks.push(click);
  watch.last = click.up;
  watch.up ||= watch.last;
  if (!watches.includes(watch)) watches.push(watch);
  if (watch.early) answer(watch, watch.early.why, Math.max(watch.early.t, t));
  if (watch.done) {
    // Answered between press and release, as the click before it: whose doing that was cannot be told.
    if (!click.told) lent.emit("response", watch.element, { kind: "unknown" });
    click.told = true;
    return;
  }
  for (const ms of LOOKS) {
    after(ms, () => look(watch));
  }
  if (burst(watch) >= RAGE_CLICKS && !watch.raged) after(RAGE_WAIT_MS, () => rage(watch));
  after(DEAD_MS, () => judge(watch, click));
};

/** The app hears of a mood now: what is seen before that is not its reaction. */
export const react = () => {
  for (const watch of [...watches]) {
    if (watch.closed || !watch.up || look(watch) === true) continue;
    soon(watch, 60);
  }
  reacts();
};

/** A press that became no click. @param {Watch} watch */
export const cancel = (watch) => watch.up || drop(watch);

/** The visitor goes on to something else: from now on only what surely is the click's doing counts.
 * @param {Watch} watch @param {boolean} [seeing] */
export const close = (watch, seeing) => {
  if (watch.closed || watch.done || !watch.up) return;
  // Nothing changed since the last look: looking costs more than it tells.
  look(watch, { seeing: !!seeing && !(last.change < (watch.lookedAt || 0)) });
  watch.closed = true;
};

/** The page goes, now. What a click asked to go is answered; who hammered in vain, or waited, is told. */
export const leave = () => {
  const t = clock();
  for (const watch of [...watches]) {
    if (!watch.up) continue;
    if (watch.leaving) answer(watch, "left");
    else if (look(watch, { final: true }) !== true && !blind(watch) && !watch.late) {
      if (burst(watch) >= RAGE_CLICKS && !watch.raged && !watch.holds.size) lent.emit("rage_click", watch.element, { value: RAGE_CLICKS, kind: kindOf(watch, true) });
      else if (t - watch.up > LEFT_MS && !watch.raged) lent.emit("custom", watch.element, { name: "left_waiting", value: Math.round(t - watch.up) });
    }
    if (!watch.done) drop(watch);
  }
};
