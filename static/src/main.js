// @ts-check
/** The public face: one object, the same by script tag and by import. */

import { ACTIVE, watchClicks } from "./answers.js";
import { emit } from "./emit.js";
import { begin, end, later, listen, running, safe } from "./life.js";
import { connect, park } from "./link.js";
import { mood, on, tell, touched } from "./mood.js";
import { declined, options } from "./options.js";
import { watchPage } from "./page.js";
import { up } from "./selector.js";
import { open, session } from "./session.js";

/** What the parts that are loaded on demand work with. */
const inside = { ACTIVE, emit, later, listen, mood, on, options, tell, touched, up };

/** @param {string} part @param {any} [what] */
const load = (part, what) => options.load(part).then((/** @type {any} */ part) => part.default(inside, what), () => {});

on("reading", ({ help }) => help && !help.holdout && options.help !== false && load("help", help));

/** What a person did, told by the page's own code. @type {typeof emit} */
const fact = safe(emit);

export const api = {
  on,
  mood,
  /** @param {object} [given] */
  init: (given) => {
    Object.assign(options, given);
    if (running() || !options.key || declined()) return;
    begin();
    open();
    if (session.out) return end();
    if (options.debug) load("debug");
    watchPage();
    watchClicks();
    let mouse = false;
    listen(document, "pointermove", ({ pointerType }) => {
      if (!mouse && (mouse = pointerType === "mouse")) load("pointer");
    });
    connect();
  },
  track: (/** @type {string} */ name, /** @type {number} */ value) => fact("custom", 0, { name, value }),
  goal: (/** @type {string} */ name) => fact("goal", 0, { name }),
  feedback: (/** @type {boolean} */ right, name = mood()?.mood) => fact("feedback", 0, { name, value: right ? 1 : 0 }),
  /** Ties the visit to a user without naming one: only a hash leaves the page. @param {string} user */
  identify: (user) => load("identify", user),
  stop: () => {
    safe(park)(true);
    end();
  },
  /** Calls made before the script came: `[["on", "frustrated", fn], …]`. @param {any[][]} calls */
  push: (...calls) => {
    for (const [name, ...args] of calls) /** @type {any} */ (api)[name](...args);
  },
};
