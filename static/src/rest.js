// @ts-check
/**
 * Loaded when the WebSocket does not get through: looks like one to link.js, speaks REST to the server, and
 * makes way as soon as a real one would work. Also sends what earlier pages of the tab left behind.
 */

import { keep, recall } from "./keep.js";

/** Between two looks whether a WebSocket gets through, at first and at most. */
const PROBE_MS = [2000, 60000];
/** Failures in a row after which the server is as good as gone. */
const MISSES = 3;

const wait = (/** @type {number} */ ms) => new Promise((done) => setTimeout(done, ms));
const jitter = (/** @type {number} */ tries) => 500 + Math.random() * 500 * 2 ** tries;

/** What a status means, in the words of the socket. @param {number} status @param {any} body */
const refusal = (status, body) =>
  status === 401 ? 4001 : status === 403 ? (/token/.test(body.type) ? 4010 : 4002) : 0;

class RestSocket extends EventTarget {
  bufferedAmount = 0;
  closed = false;
  misses = 0;
  /** @type {any} */
  who;

  /** @param {(door: string) => string} address */
  constructor(address) {
    super();
    this.address = address;
    this.abort = new AbortController();
    setTimeout(() => this.emit("open", {}));
  }

  /** @param {string} type @param {object} fields */
  emit(type, fields) {
    if (!this.closed) this.dispatchEvent(Object.assign(new Event(type), fields));
  }

  /** @param {object} frame */
  say(frame) {
    this.emit("message", { data: JSON.stringify(frame) });
  }

  close(code = 1006, reason = "") {
    this.emit("close", { code, reason });
    this.closed = true;
    this.abort.abort();
  }

  /** @param {string} text */
  send(text) {
    const { op, ...load } = JSON.parse(text);
    if (op === "hello") {
      this.who = load;
      this.greet();
    } else if (op === "events") this.post(load);
    else this.say({ op: "pong" });
  }

  /** @param {object} load */
  async call(load) {
    const { key, token, producer, reports } = this.who;
    const body = JSON.stringify({ key, token, producer, reports, now: Date.now(), ...load });
    const reply = await fetch(this.address("events"), { method: "POST", body, signal: this.abort.signal });
    const answer = await reply.json();
    this.misses = 0;
    const code = refusal(reply.status, answer);
    if (code) this.close(code, answer.detail);
    this.who.token = answer.token || this.who.token;
    return { status: reply.status, answer };
  }

  /** An empty batch is a hello: the answer says what is durable. */
  async greet() {
    try {
      const { status, answer } = await this.call({ seq: 1, events: [] });
      if (status !== 200) return this.close();
      const { ack, mood, token } = answer;
      this.say({ op: "welcome", ack, mood, token, ping: 3600, limits: { inflight: 1 } });
      this.listen();
      this.probe();
    } catch {
      this.close();
    }
  }

  /** @param {{seq: number}} load */
  async post(load) {
    const { seq } = load;
    try {
      const { status, answer } = await this.call(load);
      if (status === 200) {
        this.say({ op: "mood", ...answer.mood });
        this.say({ op: "ack", seq: answer.ack });
      } else if (status === 409) this.say({ op: "nack", seq, expect: answer.expect, retry_ms: 0 });
      else if (status === 429 || status > 499) {
        this.say({ op: "nack", seq, retry_ms: answer.retry_ms || jitter(4) });
      } else this.say({ op: "nack", seq });
    } catch {
      if (++this.misses > MISSES) this.close();
      else this.say({ op: "nack", seq, retry_ms: jitter(this.misses) });
    }
  }

  /** Where pushes cannot come, ask: the server holds the request until the mood changes. */
  async listen() {
    let etag = "";
    for (let tries = 0; !this.closed; ) {
      try {
        if (document.visibilityState === "hidden") throw 0;
        const reply = await fetch(this.address("mood?wait=25"), {
          headers: { "x-api-key": this.who.key, "x-session-token": this.who.token || "", "if-none-match": etag },
          signal: this.abort.signal,
        });
        if (reply.ok) {
          etag = reply.headers.get("etag") || "";
          this.say({ op: "mood", ...(await reply.json()) });
        } else if (reply.status !== 304) throw 0;
        tries = 0;
      } catch {
        await wait(jitter(Math.min(tries++, 4)));
      }
    }
  }

  /** Only a welcome proves a socket: some proxies accept and then swallow. */
  async probe() {
    for (let pause = PROBE_MS[0]; !this.closed; pause = Math.min(pause * 2, PROBE_MS[1])) {
      await wait(pause * (0.5 + Math.random()));
      if (this.closed || document.visibilityState === "hidden") continue;
      const real = new WebSocket(this.address("ws").replace(/^http/, "ws"), "sessionmood.v1");
      const { key, token } = this.who;
      real.onopen = () => real.send(JSON.stringify({ op: "hello", key, token }));
      const open = await Promise.race([
        new Promise((done) => {
          real.onmessage = () => done(true);
          real.onclose = () => done(false);
        }),
        wait(4000),
      ]);
      real.close();
      if (open) this.close(1000);
    }
  }
}

/** @param {(door: string) => string} address */
export default (address) => new RestSocket(address);

/** Send what earlier pages could not be sure of; the server drops what it has. */
export const resend = async () => {
  const tail = () => recall("tail") || [];
  const loads = tail();
  keep("tail", []);
  for (const [url, load] of loads) {
    try {
      const body = JSON.stringify({ ...load, now: Date.now() });
      const reply = await fetch(url, { method: "POST", body });
      if (reply.status === 429 || reply.status > 499) throw 0;
    } catch {
      keep("tail", [...tail(), [url, load]]);
    }
  }
};
