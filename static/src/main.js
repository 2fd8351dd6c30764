// @ts-check
/** The public face: one object, the same by script tag and by import. */

import { advise } from "./advise.js";
import { watchClicks } from "./clicks.js";
import { emit, ignored, when } from "./emit.js";
import { roots } from "./hooks.js";
import { json } from "./json.js";
import { lend, load } from "./lazy.js";
import { begin, end, later, listen, running, safe, wrap } from "./lifecycle.js";
import { mood, on, tell, touched } from "./mood.js";
import { declined, options } from "./options.js";
import { watchPage } from "./page.js";
import { watchRequests } from "./requests.js";
import { ACTIVE, FIELDS, origin, up } from "./selector.js";
import { open, session } from "./session.js";
import { connect, park } from "./socket.js";
import { keep, recall } from "./store.js";

lend({ ACTIVE, FIELDS, origin, up, json, emit, ignored, when, later, listen, safe, wrap, mood, on, tell, touched, options, roots, keep, recall });

/** A developer's own machine: help need not wait for the policy there. */
const development = () => options.development ?? /^(localhost|127\.|\[::1)|\.localhost$/.test(location.hostname);

on("reading", ({ help, mood }) => {
  const due = development() ? help || mood === "frustrated" : help && !help.holdout;
  if (due && options.help !== false) load("help", help);
});

/** What a person did, told by the page's own code. @type {(type: string, facts: object) => void} */
const fact = safe((type, facts) => emit(type, 0, facts));

let begun = false;
/** Once the page is seen: one that is opened in the background, or ahead of a click, is no visit yet. */
const start = safe(() => {
  if (begun || document.hidden) return;
  open();
  if (session.out) return end();
  begun = true;
  if (options.debug) load("debug");
  // Not in this task: a page that stops at once leaves no line half open.
  later(connect);
  watchRequests();
  watchClicks();
  watchPage();
});

export const api = {
  on,
  mood,
  /** @param {object} [given] */
  init: (given) => {
    try {
      Object.assign(options, given);
      const { host, ignore, key } = options;
      if (!/^https?:/.test(host)) advise("host", host);
      else if (!/^pk_/.test(key)) advise("key");
      else if (!running() && !declined()) {
        options.host = host.replace(/\/+$/, "");
        document.querySelector(ignore || "_");
        begin();
        begun = false;
        listen(document, "visibilitychange", start);
        start();
      }
    } catch (error) {
      advise("event", error);
    }
  },
  track: (/** @type {string} */ name, /** @type {number} */ value) => fact("custom", { name, value }),
  goal: (/** @type {string} */ name) => fact("goal", { name }),
  feedback: (/** @type {boolean} */ right, name = mood()?.mood) => fact("feedback", { name, value: right ? 1 : 0 }),
  /** Ties the visit to a user without naming one: only a hash leaves the page. @param {string} user */
  identify: (user) => load("identify", user),
  /** The help card, now; nothing of it is reported. */
  testHelp: safe(() => load("help", { test: true })),
  stop: safe(() => {
    if (begun) park(true, !session.token);
    end();
  }),
  /** Calls made before the script came: `[["on", "frustrated", fn], …]`. @param {any[][]} calls */
  push: (...calls) => {
    for (const call of calls) {
      try {
        const [name, ...args] = call;
        /** @type {any} */ (api)[name](...args);
      } catch (error) {
        console.warn("SessionMood", error);
      }
    }
  },
};
