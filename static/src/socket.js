// @ts-check
/**
 * The way to the server: a WebSocket; the same over REST while that is blocked (rest.js, loaded then); a beacon
 * when the page goes.
 *
 * All three carry the same numbered events, and the server drops what it has seen; so whatever is in doubt is
 * sent again, and nothing is lost or counted twice.
 */

import { advise } from "./advise.js";
import { json } from "./json.js";
import { end, later, listen } from "./lifecycle.js";
import { forget, receive, tell } from "./mood.js";
import { keep, recall } from "./store.js";
import { options } from "./options.js";
import { load } from "./lazy.js";
import { batch, drop as dropEvent, put, renumber, settle } from "./outbox.js";
import { fresh, named, producer, remember, session } from "./session.js";

/** What waits up to FLUSH_MS for company; everything else is sent at once. */
const PATIENT = /scroll|hover|focus|blur|input|idle/;
const FLUSH_MS = 250;
/** A socket that has not said `welcome` by then is blocked. */
const WELCOME_MS = 4000;
/** Bytes the browser may hold back before we wait. */
const BACKLOG = 65536;
/** Refused for good: reconnecting would not help. */
const FINAL = /^400/;

/** @type {WebSocket | undefined} */
let socket;
/** The socket has said welcome. */
let welcomed = false;
/** The last WebSocket did not get through: REST is next. */
let blocked = false;
/** Highest number known durable, and highest on its way. */
let acked = 0;
let sent = 0;
/** Last numbers of the batches in flight. @type {number[]} */
let flights = [];
let credit = 4;
let failures = 0;
let pingMs = 25000;
/** No sending before this time: the server asked for patience. */
let notBefore = 0;
/** @type {any} */
let watchdog;
/** @type {any} */
let retryTimer;

/** @param {string} door */
const address = (door) => `${options.host}/v1/sessions/${session.id}/` + door;
/** Who speaks: the same in a hello, a POST and a beacon. */
const credentials = () => ({
  key: options.key,
  token: session.token,
  producer,
  reports: ["response", "dead_click"],
  now: Date.now(),
});
/** @param {{seq: number, events: object[]}} load */
const last = (load) => load.seq + load.events.length - 1;

/** @param {any} event */
export const send = (event) => {
  put(event);
  later(flush, PATIENT.test(event.type) ? FLUSH_MS : 0);
  // in a task of its own: what the app does with it is not the page's doing
  later(() => tell("event", event));
};

const flush = () => {
  const wait = notBefore - Date.now();
  if (wait > 0) return later(flush, wait);
  for (let load; welcomed && flights.length < credit && socket && socket.bufferedAmount < BACKLOG && (load = batch(sent)); ) {
    flights.push((sent = last(load)));
    say({ op: "events", ...load });
  }
};

/** @param {object} frame */
const say = (frame) => {
  socket?.send(json(frame));
  tell("frame", frame, true);
};

/** Send again from what is durable, or from `expect` where the server says so. @param {number} [expect] */
const rewind = (expect = acked + 1) => {
  sent = expect - 1;
  flights = [];
};

export const connect = async () => {
  clearTimeout(retryTimer);
  if (socket || document.hidden) return;
  let next = blocked && (await load("rest", address));
  if (socket) return;
  try {
    socket = next ||= new WebSocket(address("ws").replace("http", "ws"), "sessionmood.v1");
  } catch {
    return lose(socket, 1006);
  }
  expectWithin(WELCOME_MS);
  listen(next, "open", () => say({ op: "hello", ...credentials(), every: !!(options.debug || options.every) }));
  listen(next, "message", ({ data }) => next === socket && hear(JSON.parse(data)));
  listen(next, "close", ({ code }) => lose(next, code));
};

/** Browsers send no pings and may not notice a dead line for minutes. Armed by what arrives, since a timer set
 * from a network event is spared the throttling of hidden tabs. @param {number} ms */
const expectWithin = (ms) => {
  clearTimeout(watchdog);
  watchdog = later(() => drop(1006), ms);
};

/** @param {number} code */
const drop = (code) => {
  const last = socket;
  if (!last) return;
  lose(last, code);
  last.close();
};

/** @param {any} frame */
const hear = (frame) => {
  const { op, seq, ack, retry_ms } = frame;
  tell("frame", frame);
  expectWithin(pingMs + 10000);
  if (op === "welcome") {
    welcomed = true;
    failures = notBefore = 0;
    credit = frame.limits.inflight;
    pingMs = frame.ping * 1000;
    remember(frame.token);
    if (ack < acked) forget();
    settle((acked = ack));
    rewind();
    receive(frame.mood, true);
    if (kept()) load("rest");
  } else if (op === "ack") {
    settle((acked = seq));
    flights = flights.filter((end) => end > seq);
  } else if (op === "mood") {
    receive(frame);
  } else if (op === "nack") {
    if (retry_ms != null) notBefore = Date.now() + retry_ms;
    // One event costs only itself; a batch that can't be taken for another reason is given up.
    else if (frame.index >= 0) advise("refused", dropEvent(seq + frame.index)[0]);
    else settle(flights.find((end) => end >= seq) || 0);
    rewind(frame.expect);
  } else if (op === "ping") {
    say({ op: "pong" });
  } else if (op === "drain") {
    later(() => drop(4200), frame.after_ms);
  }
  flush();
};

/** @param {WebSocket | undefined} last @param {number} code */
const lose = (last, code) => {
  if (last !== socket) return;
  clearTimeout(watchdog);
  socket = undefined;
  blocked = !welcomed && !blocked && code < 4000;
  welcomed = false;
  const refused = code === 4010;
  const { id, token } = (refused && recall("session")) || {};
  // A frame of the same tab may have been told the token.
  if (id === session.id && token !== session.token) remember(token);
  else if (refused && !named()) {
    // Another's session, or a token gone stale: a new visit begins.
    fresh();
    renumber();
    forget();
    acked = 0;
  } else if (refused || FINAL.test(/** @type {any} */ (code))) {
    advise(code);
    return end();
  }
  rewind();
  // Full jitter, so that many pages do not come back at once.
  retryTimer = later(connect, code < 4200 ? 500 + Math.random() * Math.min(19500, 500 * 2 ** failures++) : 0);
};

/** The page is seen again, or on line: is the server still there? */
export const wake = () => {
  if (welcomed) {
    say({ op: "ping" });
    expectWithin(3000);
  } else connect();
};

/** Loads that earlier pages of this tab could not be sure of: `[address, load]` each. @returns {[string, object][]} */
const kept = () => recall("tail");

/** Hidden may be the last we hear: hand over what is not known durable, by every way there is.
 * @param {boolean} [leaving] close the socket too: an open one keeps the page out of the back/forward cache
 * @param {boolean} [held] this page may start again: hand over nothing that the server would call another's */
export const park = (leaving, held) => {
  flush();
  /** @type {[string, object][]} */
  const tail = [];
  for (let from = acked, load; (load = batch(from)); from = last(load)) {
    tail.push([address("events"), { ...credentials(), ...load }]);
  }
  if (!held && (leaving || !welcomed)) tail.every(([url, load]) => navigator.sendBeacon(url, json(load)));
  remember();
  if (!leaving) return;
  // A beacon never says whether it arrived: the tab's next page sends it once more. One without a token opened the
  // session, and would be refused now.
  if (session.token) keep("tail", [...(kept() || []), ...tail]);
  drop(1000);
};
