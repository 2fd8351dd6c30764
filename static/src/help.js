// @ts-check
/**
 * Loaded when the server says that help is due: waits for a good moment, respects what this visitor said
 * before, and shows it once.
 *
 * A popup in the middle of a word costs more than it helps; a boundary a few seconds later avoids most of that.
 */

import { show } from "./popup.js";

/** Typing has stopped when nothing came for this long. */
const PAUSE_MS = 2000;
/** A boundary that has not come by then will not. */
const WAIT_MS = 8000;
const SNOOZE_MS = 1800000;
const PER_DAY = 3;
const DAY_MS = 86400000;
/** For all tabs and visits. */
const area = "localStorage";

/** Offers dealt with: one comes again with every reading until it is over. */
const seen = new Set();

/** @param {any} inside @param {{id: string}} due */
export default ({ emit, keep, later, listen, mood, on, options, recall, tell, touched }, { id }) => {
  if (seen.has(id)) return;
  seen.add(id);
  const now = Date.now();
  /** When this browser was shown help in the last 24 hours. @type {number[]} */
  const before = (recall("help", area) || []).filter((/** @type {number} */ at) => at > now - DAY_MS);
  let over = false;
  const report = (/** @type {string} */ kind) => {
    if (!over) emit("help", 0, { kind, name: id });
    over = kind !== "shown";
  };
  if (before.length >= PER_DAY || now < recall("snooze", area)) return report("expired");

  const offer = {
    id,
    reading: mood(),
    options,
    prevented: false,
    /** The page shows help of its own; it then reports with the calls below. */
    preventDefault: () => (offer.prevented = true),
    accept: () => report("accepted"),
    dismiss: () => report("dismissed"),
    expire: () => report("expired"),
    snooze: () => {
      keep("snooze", Date.now() + SNOOZE_MS, area);
      report("snoozed");
    },
    feedback: (/** @type {boolean} */ right) => emit("feedback", 0, { name: offer.reading?.mood, value: right ? 1 : 0 }),
  };
  const present = () => {
    if (over) return;
    started = true;
    keep("help", [...before, now], area);
    report("shown");
    tell("help", offer);
    if (!offer.prevented) show(offer, listen);
  };
  let started = false;
  const attempt = () => {
    const rest = Math.min((touched.typed || 0) + PAUSE_MS, now + WAIT_MS) - Date.now();
    if (started) return;
    if (rest > 0) later(attempt, rest);
    else present();
  };
  attempt();
  if (started) return;
  // Leaving the field or sending the form is a boundary too.
  listen(document, "focusout submit", () => started || later(() => started || present(), 100));
  // Recovered while we waited: nobody needs help any more.
  on("recovered", () => started || offer.expire());
};
