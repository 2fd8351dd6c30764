// @ts-check
/** The public face: one object, the same by script tag and by import. */

import { watchClicks } from "./clicks.js";
import { emit } from "./emit.js";
import { begin, end, running, safe } from "./life.js";
import { connect, park } from "./link.js";
import { mood, on } from "./mood.js";
import { declined, options } from "./options.js";
import { watchPage } from "./page.js";
import { load } from "./parts.js";
import { watchRequests } from "./requests.js";
import { open, session } from "./session.js";

on("reading", ({ help }) => help && !help.holdout && options.help !== false && load("help", help));

/** What a person did, told by the page's own code. @type {(type: string, facts: object) => void} */
const fact = safe((type, facts) => emit(type, 0, facts));

const start = safe(() => {
  open();
  if (session.out) return end();
  if (options.debug) load("debug");
  connect();
  watchRequests();
  watchClicks();
  watchPage();
});

export const api = {
  on,
  mood,
  /** @param {object} [given] */
  init: (given) => {
    Object.assign(options, given);
    if (running() || !options.key || declined()) return;
    begin();
    start();
  },
  track: (/** @type {string} */ name, /** @type {number} */ value) => fact("custom", { name, value }),
  goal: (/** @type {string} */ name) => fact("goal", { name }),
  feedback: (/** @type {boolean} */ right, name = mood()?.mood) => fact("feedback", { name, value: +right }),
  /** Ties the visit to a user without naming one: only a hash leaves the page. @param {string} user */
  identify: (user) => load("identify", user),
  stop: safe(() => {
    park(true);
    end();
  }),
  /** Calls made before the script came: `[["on", "frustrated", fn], …]`. @param {any[][]} calls */
  push: (...calls) => {
    for (const [name, ...args] of calls) /** @type {any} */ (api)[name](...args);
  },
};
