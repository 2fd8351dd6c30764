// @ts-check
/**
 * Events that wait for the server, numbered from 1 and kept until they are acknowledged.
 *
 * The queue is bounded; what falls out is not forgotten but declared: a batch says how many events before it
 * were lost (`lost`), computed from the last number this connection has seen, whatever the reason for the gap.
 */

/** Events kept at most. About 150 kB. */
const LIMIT = 1000;
/** Events a batch at most: well under the server's 500 and, for a beacon, under its 64 KiB. */
const BATCH = 100;

/** @type {object[]} */
let events = [];
let first = 1;

/** @param {object} event */
export const put = (event) => {
  if (events.push(event) > LIMIT) settle(first);
};

/** Everything up to number `seq` is done with: durable, or given up.
 * @param {number} seq */
export const settle = (seq) => {
  if (seq >= first) {
    events.splice(0, seq - first + 1);
    first = seq + 1;
  }
};

/** Without the event of number `seq`, which the server won't have; those after it move up.
 * @param {number} seq */
export const drop = (seq) => events.splice(seq - first, 1);

/** The next batch when everything up to `sent` is on its way already; nothing when there is none.
 * @param {number} sent @returns {{seq: number, events: object[], lost?: number} | undefined} */
export const batch = (sent) => {
  const seq = Math.max(sent + 1, first);
  const list = events.slice(seq - first, seq - first + BATCH);
  if (list.length) return { seq, events: list, lost: seq - sent - 1 || undefined };
};

/** Number everything anew from 1: a new session knows nothing of this page. */
export const renumber = () => {
  first = 1;
};
