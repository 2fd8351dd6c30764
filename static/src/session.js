// @ts-check
/** One visit: its id and the token that makes it ours, shared by the pages and frames of a tab. */

import { advise } from "./advise.js";
import { keep, recall } from "./store.js";
import { options } from "./options.js";

/** A visit ends after this long without a page of it. */
const VISIT_MS = 1800000;

/** 128 random bits; `crypto.randomUUID` would need https. */
const randomId = () => crypto.getRandomValues(new Uint32Array(4)).join("-");

/** @type {{id: string, token?: string, seen?: any, out?: boolean}} out: not in the sample */
export let session;
/** Names this page load's numbering. @type {string} */
export let producer;

/** The page's author may name the visit, in the characters of an address. @returns {string | undefined} */
export const named = () => {
  const { session } = options;
  if (session && /^[\w.~-]{1,128}$/.test(session)) return "" + session;
};

/** A visit that nobody knows yet. */
export const fresh = () => {
  session = { id: named() || randomId(), out: Math.random() >= (options.sampleRate ?? 1) };
};

/** The visit of this tab, or a new one. */
export const open = () => {
  producer ||= randomId();
  session = recall("session");
  const id = named();
  if (id ? session?.id !== id : !(Date.now() - session?.seen < VISIT_MS)) fresh();
  if (options.session && !id) advise("session", options.session);
  remember(id && options.token);
};

/** The visit goes on; the server may have told us the token. @param {string} [token] */
export const remember = (token) => {
  session.token = token || session.token;
  session.seen = Date.now();
  keep("session", session);
};
