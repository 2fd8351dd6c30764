// @ts-check
/** Loaded when something is wrong that the page's author can mend: says what, where, and which page helps. */

/** @type {Record<string, string | ((detail: any, options: any) => string)>} */
const WORDS = {
  4001: "the server does not know the key, or it is a secret one. data-key takes a publishable key, pk_…",
  4002: () => `the key does not allow this page's origin, ${location.origin}`,
  4003: "the server got no hello in time",
  4004: "the server could not read what was sent. Are script and server of the same version?",
  4005: "the key was revoked",
  4006: "the server does not speak this script's version",
  4009: "a message was too large for the server",
  4010: "the server refused this session's token. Mint one for this session: POST /v1/sessions/{id}/token",
  key: (_, { key }) =>
    /^sk_/.test(key) ? "a secret key (sk_…) is in the page, where anybody can read it. Revoke it, and use pk_…" : "there is no publishable key (pk_…) in data-key or init({ key })",
  host: (host) => `\`host\` is where SessionMood runs, https://…, but here it is ${host}`,
  session: "`session` may have letters, digits and . _ ~ -, 128 at most. The visit goes on under a name of its own",
  value: (name) => `\`${name}\` of an event was of the wrong type and was left out`,
  refused: ({ type } = {}) => `the server refused one event (${type}); the others went on`,
  event: (error, { ignore, beforeSend }) => {
    if (beforeSend && !beforeSend.call) return "`beforeSend` is no function, so nothing is sent";
    try {
      document.querySelector(ignore || "_");
    } catch {
      return `\`ignore\` is no selector, so nothing is sent: ${ignore}`;
    }
    return "an event was kept back, because looking at it failed";
  },
};

/** Once each. */
const said = new Set();

/** @param {string | number} what @param {any} detail @param {any} options */
export default (what, detail, options) => {
  const words = WORDS[what];
  const text = typeof words === "function" ? words(detail, options) : words || "the server ended it";
  if (said.has(text)) return;
  said.add(text);
  const more = [`SessionMood ${what}: ${text}. See ${options.host}/docs#console`];
  if (what === "event") more.push(detail);
  console.warn(...more);
};
