// @ts-check
/** One visit: its id and the token that makes it ours, shared by the pages and frames of a tab. */

import { keep, recall } from "./keep.js";
import { options } from "./options.js";

/** A visit ends after this long without a page of it. */
const VISIT_MS = 1800000;

/** 128 random bits; `crypto.randomUUID` would need https. */
const randomId = () => crypto.getRandomValues(new Uint32Array(4)).join("-");

/** @type {{id: string, token?: string, seen?: number, out?: boolean}} out: not in the sample */
export let session;
/** Names this page load's numbering. @type {string} */
export let producer;

const fresh = () => (session = { id: randomId(), out: Math.random() >= options.sampleRate });

export const open = () => {
  producer ||= randomId();
  session = recall("session");
  if (options.session) session = { id: options.session, token: options.token };
  else if (!session || Date.now() - VISIT_MS > (session.seen || 0)) fresh();
  remember();
};

/** The visit goes on; the server may have told us the token. @param {string} [token] */
export const remember = (token) => {
  session.token = token || session.token;
  session.seen = Date.now();
  if (!options.session) keep("session", session);
};

/** Our token was refused: take another frame's newer one, or start a new visit. True when it is a new visit. */
export const renew = () => {
  const { id, token } = session;
  session = recall("session");
  return (session?.id !== id || session.token === token) && fresh();
};
