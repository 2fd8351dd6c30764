// @ts-check
/**
 * Loaded when the server says that help is due: waits for a good moment, respects what this visitor said
 * before, and shows it once.
 *
 * A popup in the middle of a word costs more than it helps; a boundary a few seconds later avoids most of that.
 *
 * On localhost a developer need not wait for a visit's first seconds to pass, nor for a visit that is not held out:
 * the card comes without the server's offer. Nothing of that is reported, so no figure moves; and no page that
 * visitors see is on localhost.
 */

import { popup } from "./popup.js";

/** Typing has stopped when nothing came for this long. */
const PAUSE_MS = 2000;
/** A boundary that has not come by then will not. */
const WAIT_MS = 8000;
/** As the server's `help.hold`: frustration that has not lasted this long may be over at once. */
const HOLD_MS = 1500;
const SNOOZE_MS = 1800000;
const PER_DAY = 3;
const DAY_MS = 86400000;
/** For all tabs and visits. */
const area = "localStorage";

/** Offers dealt with: one comes again with every reading until it is over. */
const seen = new Set();
/** When the frustrations began that were dealt with. */
const dealt = new Set();
let waiting = 0;

/** @param {any} inside @param {{id?: string, holdout?: boolean, test?: boolean}} [due] nothing: the server made no offer */
export default (inside, due) => {
  const { later, mood, options } = inside;
  const say = (/** @type {string} */ why) =>
    console.info(`SessionMood, on localhost: ${why}. Nothing of it is counted; data-development="false" ends this: ${options.host}/docs#help-card`);
  if (due?.test) return offer(inside, due);
  const since = mood()?.since;
  if (due?.id) {
    if (seen.has(due.id)) return;
    seen.add(due.id);
    if (due.holdout) say("this visit is held out, visitors see no card");
    offer(inside, due, dealt.has(since));
    dealt.add(since);
  } else if (waiting !== since) {
    waiting = since;
    later(() => {
      if (mood()?.since !== since || dealt.has(since)) return;
      dealt.add(since);
      say("help comes without the first wait");
      offer(inside, {});
    }, HOLD_MS);
  }
};

/** @param {any} inside @param {{id?: string, holdout?: boolean, test?: boolean}} due @param {boolean} [late] it was shown already */
const offer = ({ emit, keep, recall, tell, ...inside }, { id, holdout, test }, late) => {
  const { later, listen, mood, on, options, touched } = inside;
  const now = Date.now();
  /** When this browser was shown help in the last 24 hours. @type {number[]} */
  const before = (recall("help", area) || []).filter((/** @type {number} */ at) => at > now - DAY_MS);
  let started = false;
  let shown = false;
  let over = false;
  /** @param {string} kind what came of it, told once; that it was seen comes first */
  const report = (kind) => {
    if (over) return;
    if (!shown && kind !== "expired") {
      shown = true;
      if (!test) keep("help", [...before, now], area);
      tellOf("shown");
    }
    over = kind !== "shown";
    if (over) tellOf(kind);
  };
  const quiet = !id || holdout;
  const tellOf = (/** @type {string} */ kind) => quiet || emit("help", 0, { kind, name: id });

  const offered = {
    id,
    test,
    reading: mood(),
    prevented: false,
    /** Opens the page's own help, from the built-in card. @type {any} */
    onAccept: undefined,
    /** The page shows help of its own; it then reports with the calls below. */
    preventDefault: () => (offered.prevented = true),
    accept: () => report("accepted"),
    dismiss: () => report("dismissed"),
    expire: () => report("expired"),
    snooze: () => {
      if (!test) keep("snooze", Date.now() + SNOOZE_MS, area);
      report("snoozed");
    },
    feedback: (/** @type {boolean} */ right) =>
      quiet || emit("feedback", 0, { name: offered.reading?.mood, value: right ? 1 : 0 }),
  };
  if (late) return offered.expire();
  if (!test && (before.length >= PER_DAY || now < recall("snooze", area))) {
    if (options.debug || !id) console.info("SessionMood: no card, it was put off, or shown three times today");
    return offered.expire();
  }

  const present = () => {
    started = true;
    try {
      tell("help", offered);
      if (!offered.prevented && !over) popup(offered, inside);
      report("shown");
    } catch (error) {
      offered.expire();
      throw error;
    }
  };
  const attempt = () => {
    // Nobody sees what is shown on a page in the background.
    if (started || over || document.hidden) return;
    const rest = Math.min((touched.typed || 0) + PAUSE_MS, now + WAIT_MS) - Date.now();
    if (rest > 0 && !test) later(attempt, rest);
    else present();
  };
  attempt();
  if (started) return;
  listen(document, "visibilitychange", attempt);
  // Leaving the field or sending the form is a boundary too.
  listen(document, "focusout submit", () => later(() => started || over || document.hidden || present(), 100));
  // Recovered while we waited: nobody needs help any more.
  on("recovered", () => started || offered.expire());
};
