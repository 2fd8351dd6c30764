// @ts-check
/** One visit: its id and the token that makes it ours, shared by the pages and frames of a tab. */

import { keep, recall } from "./keep.js";
import { options } from "./options.js";

/** A visit ends after this long without a page of it. */
const VISIT_MS = 1800000;

/** 128 random bits; `crypto.randomUUID` would need https. */
const randomId = () => crypto.getRandomValues(new Uint32Array(4)).join("-");

/** @type {{id: string, token?: string, seen?: any, out?: boolean}} out: not in the sample */
export let session;
/** Names this page load's numbering. @type {string} */
export let producer;

/** A visit that nobody knows yet; the page's author may name it. */
export const fresh = () => {
  const { session: id, token, sampleRate } = options;
  session = { id: id || randomId(), token, out: Math.random() >= sampleRate };
};

/** The visit of this tab, or a new one. */
export const open = () => {
  producer ||= randomId();
  session = recall("session");
  if (options.session || !(Date.now() - session?.seen < VISIT_MS)) fresh();
  remember();
};

/** The visit goes on; the server may have told us the token. @param {string} [token] */
export const remember = (token) => {
  session.token = token || session.token;
  session.seen = Date.now();
  keep("session", session);
};
