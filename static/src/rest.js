// @ts-check
/**
 * Loaded when the WebSocket does not get through: looks like one to socket.js, speaks REST to the server, and
 * makes way as soon as a real one would work. Also sends what earlier pages of the tab left behind.
 */

/** Between two looks whether a WebSocket gets through: this, and up to this more. */
const PROBE_MS = 2000;
const PROBE_MORE_MS = 10000;
/** A real socket says welcome by then, or it is swallowed on the way. */
const WELCOME_MS = 4000;
/** Failures in a row after which the server is as good as gone. */
const MISSES = 3;

const wait = (/** @type {number} */ ms) => new Promise((done) => setTimeout(done, ms));
const backOff = (/** @type {number} */ tries) => 500 + Math.random() * 500 * 2 ** Math.min(tries, 5);
/** Lent by the first script. @type {(value: any) => string} */
let json;
/** @param {string} url @param {object} load @param {AbortSignal} [signal] */
const post = (url, load, signal) =>
  fetch(url, { method: "POST", body: json({ ...load, now: Date.now() }), signal });
const busy = (/** @type {number} */ status) => status === 429 || status > 499;

/** What socket.js takes for a WebSocket. @param {(door: string) => string} address */
const restSocket = (address) => {
  const socket = new EventTarget();
  const life = new AbortController();
  const { signal } = life;
  /** The hello: key, token, producer, reports. @type {any} */
  let who;
  let misses = 0;

  const emit = (/** @type {string} */ type, /** @type {object} */ fields) =>
    signal.aborted || socket.dispatchEvent(Object.assign(new Event(type), fields));
  const say = (/** @type {object} */ frame) => emit("message", { data: JSON.stringify(frame) });
  const close = (/** @type {any} */ code) => {
    emit("close", { code: +code || 1006 });
    life.abort();
  };

  /** POSTs a batch; the answer in the socket's words. An empty one is a hello: it says what is durable.
   * @param {{seq: number, events: object[]}} load @param {boolean} [hello] */
  const deliver = async (load, hello) => {
    const { seq } = load;
    try {
      const reply = await post(address("events"), { ...who, ...load }, signal);
      const { ack, mood, token, type, expect, retry_ms, index } = await reply.json();
      const { status } = reply;
      misses = 0;
      who.token = token || who.token;
      if (status === 401) close(4001);
      else if (status === 403) close(/token/.test(type) ? 4010 : 4002);
      else if (status === 200) {
        if (hello) {
          say({ op: "welcome", ack, mood, token, ping: 3600, limits: { inflight: 1 } });
          listen();
          probe();
        } else {
          if (mood) say({ op: "mood", ...mood });
          say({ op: "ack", seq: ack });
        }
      } else if (hello) close(1006);
      else say({ op: "nack", seq, expect, index, retry_ms: status === 409 ? 0 : busy(status) ? retry_ms || backOff(3) : undefined });
    } catch {
      if (hello || ++misses > MISSES) close(1006);
      else say({ op: "nack", seq, retry_ms: backOff(misses) });
    }
  };

  /** Where pushes cannot come, ask: the server holds the request until the mood changes. */
  const listen = async () => {
    for (let tries = 0, etag = ""; !signal.aborted; ) {
      try {
        if (document.hidden) throw 0;
        const reply = await fetch(address("mood?wait=25"), {
          headers: { "x-api-key": who.key, "x-session-token": who.token, "if-none-match": etag },
          signal,
        });
        if (reply.ok) {
          etag = reply.headers.get("etag") || "";
          say({ op: "mood", ...(await reply.json()) });
        } else if (reply.status !== 304) throw 0;
        tries = 0;
      } catch {
        await wait(backOff(tries++));
      }
    }
  };

  /** Only a welcome proves a socket: some proxies accept and then swallow. */
  const probe = async () => {
    while (!signal.aborted) {
      await wait(PROBE_MS + Math.random() * PROBE_MORE_MS);
      if (signal.aborted || document.hidden) continue;
      const real = new WebSocket(address("ws").replace("http", "ws"), "sessionmood.v1");
      real.onopen = () => real.send(JSON.stringify({ op: "hello", key: who.key, token: who.token }));
      real.onmessage = ({ data }) => /"welcome"/.test(data) && close(1000);
      await Promise.race([new Promise((done) => (real.onclose = done)), wait(WELCOME_MS)]);
      real.close();
    }
  };

  setTimeout(emit, 0, "open");
  return Object.assign(socket, {
    bufferedAmount: 0,
    close,
    send: (/** @type {string} */ text) => {
      const { op, ...load } = JSON.parse(text);
      if (op === "hello") deliver({ seq: 1, events: [] }, !!(who = load));
      else if (op === "events") deliver(load);
      else say({ op: "pong" });
    },
  });
};

/** Send what earlier pages could not be sure of, in their order; the server drops what it has. Only what was
 * answered is forgotten, and the first that was not ends it: out of order, the next would be refused for good.
 * @param {any} inside */
const resend = async ({ keep, recall }) => {
  for (const next of recall("tail")) {
    if (busy((await post(next[0], next[1])).status)) return;
    // read anew: a frame of the tab may have added to it meanwhile
    const left = recall("tail").filter((/** @type {object} */ other) => JSON.stringify(other) !== JSON.stringify(next));
    keep("tail", left[0] ? left : null);
  }
};

/** @param {any} inside @param {(door: string) => string} [address] */
export default (inside, address) => {
  ({ json } = inside);
  return address ? restSocket(address) : resend(inside);
};
