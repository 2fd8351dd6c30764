// @ts-check
/** Loaded when something is wrong that the page's author can mend: says what, where, and which page helps. */

/** @type {Record<string, string | ((detail: any, options: any) => string)>} */
const WORDS = {
  4001: "the server does not know the key; data-key takes a publishable one, pk_…",
  4002: () => `the key does not allow ${location.origin}`,
  4003: "no hello came in time",
  4004: "the server could not read a message",
  4005: "the key was revoked",
  4006: "the server does not speak this script's version",
  4009: "a message was too large",
  4010: "the token is not for this session: POST /v1/sessions/{id}/token",
  key: (_, { key }) => (/^sk_/.test(key) ? "a secret key is in the page, where anybody can read it. Revoke it" : "no publishable key, pk_…"),
  host: (host) => "no address: " + host,
  session: "`session` may have 128 letters, digits and . _ ~ -",
  value: (name) => `\`${name}\` was of the wrong type and was left out`,
  refused: ({ type } = {}) => `the server refused one event (${type})`,
  event: (error, { ignore, beforeSend }) => {
    if (beforeSend && !beforeSend.call) return "`beforeSend` is no function: nothing is sent";
    try {
      document.querySelector(ignore || "_");
    } catch {
      return "`ignore` is no selector: nothing is sent";
    }
    return "an event was kept back";
  },
};

/** Once each. */
const said = new Set();

/** @param {string | number} what @param {any} detail @param {any} options */
export default (what, detail, options) => {
  const words = WORDS[what];
  const text = typeof words === "function" ? words(detail, options) : words || "ended by the server";
  if (said.has(text)) return;
  said.add(text);
  const more = [`SessionMood ${what}: ${text}. See ${options.host}/docs#console`];
  if (what === "event") more.push(detail);
  console.warn(...more);
};
