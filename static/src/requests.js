// @ts-check
/** The page's own requests: those that fail are told; the eye hears of all, for a click may wait for one. */

import { emit } from "./emit.js";
import { eye, roots } from "./hooks.js";
import { listen, wrap } from "./lifecycle.js";
import { options } from "./options.js";
import { calledOff, excuse } from "./trouble.js";

/** @type {WeakMap<XMLHttpRequest, string>} */
const addresses = new WeakMap();
/** Origins that have answered on this page. What never did may be stopped by an ad blocker: nobody's trouble. */
const alive = new Set();
let wrapped = false;

/** A request begins. @param {string} asked its address @param {boolean} [quiet] sent to be forgotten
 * @returns {(status?: number, address?: string) => void} call at the end: nothing: it ended, 0: it failed, below 0:
 * it was called off */
const request = (asked, quiet) => {
  const element = quiet ? 0 : eye.cause?.();
  const ended = !quiet && eye.asked?.(asked);
  return (status, address = asked) => {
    if (ended) ended();
    const { origin, pathname } = new URL(address, location.href);
    const code = status ?? -1;
    if (code > 0) alive.add(origin);
    if ((!code || code > 399) && (origin === location.origin || (element && alive.has(origin)))) {
      emit("error", element, { kind: "request", value: status || undefined, name: pathname.slice(0, 200) });
    }
  };
};

export const watchRequests = () => {
  if (wrapped) return;
  wrapped = true;
  // The other thing that must be hooked once, before the page runs.
  wrap(Element.prototype, "attachShadow", (_, self) => (root) => roots.set(self, root));
  wrap(window, "fetch", ([input, init]) => {
    const address = input.url || "" + input;
    if (address.startsWith(options.host + "/v1/")) return;
    const { keepalive, mode } = init || input;
    const ended = request(address, keepalive || mode === "no-cors");
    return (reply) =>
      reply.then(
        (/** @type {Response} */ { status }) => ended(status || 200),
        (/** @type {unknown} */ error) => {
          ended(calledOff(error) ? -1 : 0);
          excuse(error);
        },
      );
  });
  const { prototype } = XMLHttpRequest;
  wrap(prototype, "open", ([, address], self) => void addresses.set(self, "" + address));
  wrap(prototype, "send", (_, self) => {
    const ended = request(addresses.get(self) || "");
    let off = 0;
    // before the page's own handlers of the end
    listen(self, "readystatechange", () => self.readyState > 3 && ended());
    listen(self, "abort", () => (off = -1));
    listen(self, "loadend", () => ended(self.status || off, self.responseURL || undefined));
  });
};
