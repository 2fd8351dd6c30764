// @ts-check
/** Where the visitor is, what goes wrong, and the page's coming and going. */

import { emit, url } from "./emit.js";
import { eye } from "./hooks.js";
import { listen, wrap } from "./lifecycle.js";
import { park, wake } from "./socket.js";
import { load } from "./lazy.js";
import { watchTrouble } from "./trouble.js";

/** The address as last seen; compared here, query and hash are not sent. */
let here = "";
const went = (/** @type {string} */ kind) => emit("navigation", 0, { kind, url: url() });

/** The address changed without a new page. @param {string} kind */
const moved = (kind) => {
  const [before] = here.split("#");
  const same = before === location.href.split("#")[0];
  if (here !== (here = location.href)) went(same && kind === "push" ? "hash" : kind);
};

const watchMoves = () => {
  const { navigation } = /** @type {any} */ (window);
  if (navigation) {
    listen(navigation, "currententrychange", ({ navigationType, from }) =>
      moved(navigationType !== "traverse" ? "push" : navigation.currentEntry.index < from.index ? "back" : "forward"),
    );
  } else {
    for (const name of ["pushState", "replaceState"]) wrap(history, name, () => () => moved("push"));
    listen(window, "popstate", () => moved("back"));
  }
};

const watchLife = () => {
  listen(document, "visibilitychange", () => {
    emit("visibility", 0, { kind: document.visibilityState });
    if (document.hidden) park();
    else wake();
  });
  listen(window, "focus blur", ({ target, type }) => {
    if (target !== window) return;
    emit(type, target);
  });
  listen(window, "pagehide freeze", ({ type }) => {
    if (type === "pagehide") eye.leave?.();
    park(true);
  });
  listen(window, "resume online", wake);
  listen(window, "pageshow", ({ persisted }) => {
    if (!persisted) return;
    went("back");
    wake();
  });
};

export const watchPage = () => {
  /** @type {any} */
  let gestures;
  const { type } = /** @type {any} */ (performance.getEntriesByType("navigation")[0] || {});
  // Started again on the same page: that is no second view of it.
  if (here !== (here = location.href)) {
    emit("page_view", 0, { url: url(), kind: type === "reload" ? type : undefined });
    if (type === "back_forward") went("back");
  }
  watchMoves();
  watchTrouble();
  watchLife();
  listen(window, "pointermove pointerdown keydown scroll", () => (gestures ||= load("gestures")));
};
