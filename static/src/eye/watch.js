// @ts-check
/** A watch: one thing that is pressed, its clicks, and all that happens meanwhile, until each click has a verdict. */

import { deepActive, inside, parent, words } from "./dom.js";
import { reacting } from "./ledger.js";
import { take as fingerprint } from "./look.js";
import { turn } from "./turn.js";
import { clock, watches } from "./waiting.js";

/** What begins longer than this after a click is not its doing, unless a turn says so. */
export const CAUSE_MS = 500;

/** A change as it was noted. `from`: turn (the press's own code), reply (its request has just ended, or others may have shared its turn), after
 * (nobody's turn), page (its own timer or request), mood (nobody's turn, and the app has heard of a mood just now),
 * late (the visitor has gone on to something else).
 * @typedef {{from: "turn" | "reply" | "after" | "page" | "mood" | "late", t: number, old?: any, value?: any, click?: number,
 *   place?: any, text?: string}} Note */

/** @param {any} element @param {ReturnType<typeof fingerprint>} [was] taken before the press */
export const watchOf = (element, was = fingerprint(element, true)) => {
  let natural = element;
  while (natural && natural.tabIndex < 0) natural = parent(natural);
  return {
    element, was,
    place: was.map.get(element),
    /** What gets the focus by being pressed. */
    natural,
    /** Times: pressed, first and last released. */
    down: clock(), up: 0, last: 0,
    /** @type {any[]} */
    clicks: [],
    detail: 1,
    // The ledger: the first old value of each, to be compared with what is.
    /** @type {Map<any, Map<string, Note>>} */
    attributes: new Map(),
    /** @type {Map<any, Note>} */
    texts: new Map(),
    /** @type {Map<any, Note>} */
    added: new Map(),
    /** @type {Map<any, Note>} */
    removed: new Map(),
    moved: new Set(),
    scrolled: new Map(),
    /** Others' doing: elements with all in them, and elements alone. */
    masked: new Set(), maskedAlone: new Set(),
    /** Where the page's own pulse was seen. */
    beats: new Set(),
    /** Requests, scripts and pictures it waits for. */
    holds: new Set(),
    /** What comes until then may be due to a request that has just ended. */
    reply: 0,
    /** @type {Map<string, number>} */
    since: new Map(),
    /** What was seen at the last look. @type {Set<string>} */
    keys: new Set(),
    /** What came to be seen with the app's reaction to a mood. */
    swayed: new Set(),
    looks: 0,
    /** What it set a timer for may come until then. */
    until: 0,
  };
};
/** @typedef {ReturnType<typeof watchOf> & {early?: any, toggled?: any, late?: any, lookedAt?: number, closed?: boolean,
 *   done?: boolean, loaded?: boolean, raged?: boolean, leaving?: boolean, here?: boolean, coasting?: boolean,
 *   due?: boolean}} Watch */

/** The watch that something happening now belongs to. @param {number} [within] ms after the last click
 * @returns {Watch | null} */
export const current = (within = CAUSE_MS) => {
  const who = turn();
  if (who) return who.visitor ? null : who;
  const t = clock();
  return watches.findLast((watch) => (!watch.closed && watch.up && t - watch.last < within && !reacting(watch)) || watch.reply > t) || null;
};

/** What was pressed has been drawn anew: the same kind, words and place. @param {Watch} watch @param {any} element */
export const alike = (watch, element) => {
  const { element: old, place: a } = watch;
  const b = element.getBoundingClientRect();
  return !old.isConnected && a && element.localName === old.localName && words(element) === words(old) && Math.abs(a.x - b.x) < 4 && Math.abs(a.y - b.y) < 4;
};

/** It may show something for as long as it has the focus, and has it already. @param {Watch} watch */
export const focusedAlready = ({ element, was }) => inside(was.active, element) && deepActive() === was.active;
