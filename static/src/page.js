// @ts-check
/** Everything but clicks: where the visitor is and how far, what goes wrong, fields, clipboard, silence. */

import { answer, FIELDS, gone, leaving, recent } from "./answers.js";
import { emit, url } from "./emit.js";
import { later, listen, wrap } from "./life.js";
import { park, wake } from "./link.js";
import { touched } from "./mood.js";
import { origin, up } from "./selector.js";

const SCROLL_MS = 250;
/** No touch of the page for this long: the visitor stopped. Told again when twice as long has passed. */
const IDLE_S = 30;
/** While typing, a fact this often: that someone types, not how. */
const TYPING_MS = 5000;
/** Several fields refused at once are one refusal. */
const INVALID_MS = 100;

/** Path and hash as last seen; compared here, the hash is not sent. */
let here = "";

/** The address changed without a new page. @param {string} kind */
const moved = (kind) => {
  answer();
  if (here !== (here = url() + location.hash)) emit("navigation", 0, { kind, url: url() });
};

const watchMoves = () => {
  const api = /** @type {any} */ (window).navigation;
  if (api) {
    listen(api, "navigate", ({ destination }) => destination.sameDocument || leaving());
    listen(api, "currententrychange", ({ navigationType, from }) =>
      moved(
        navigationType === "traverse"
          ? api.currentEntry.index < from.index
            ? "back"
            : "forward"
          : here.startsWith(url() + "#") || location.hash
            ? "hash"
            : "push",
      ),
    );
  } else {
    for (const name of ["pushState", "replaceState"]) wrap(history, name, () => () => moved("push"));
    listen(window, "popstate", () => moved("back"));
  }
};

const watchScroll = () => {
  let waiting = false;
  let was = 0;
  /** @type {any} */
  let box;
  const read = () => {
    waiting = false;
    const { scrollTop, scrollHeight, clientHeight } = box;
    const dy = Math.round(scrollTop - was);
    was = scrollTop;
    const value = Math.round((scrollTop / (scrollHeight - clientHeight)) * 1000) / 10;
    // A list in a corner is not the page.
    if (dy && clientHeight > innerHeight / 2) emit("scroll", 0, { value: Math.max(0, Math.min(100, value)), dy });
  };
  listen(document, "scroll", ({ target }) => {
    const next = target.scrollingElement || target;
    if (box !== next) was = 0;
    box = next;
    // Right after a frame the layout is fresh: reading it then costs the page nothing.
    if (!waiting) later(() => requestAnimationFrame(() => later(read)), SCROLL_MS);
    waiting = true;
  });
};

const watchTrouble = () => {
  const broken = (/** @type {any} */ error) =>
    error?.name !== "AbortError" && emit("error", recent()?.element, { kind: "js", name: error?.name });
  listen(window, "error", ({ target, error, message }) => {
    if (target === window) (error || recent()) && !/^Resize/.test(message) && broken(error);
    else if ((target.src || target.href || "").startsWith(location.origin)) emit("error", target, { kind: "request" });
  });
  listen(window, "unhandledrejection", ({ reason }) => broken(reason));
  let last = 0;
  listen(document, "invalid", ({ target, timeStamp }) => {
    if (timeStamp - last > INVALID_MS) emit("error", target, { kind: "validation" });
    last = timeStamp;
  });
};

const watchFields = () => {
  let typed = 0;
  listen(document, "focusin focusout", (event) => {
    const field = up(origin(event), FIELDS);
    if (field) emit(event.type === "focusin" ? "focus" : "blur", field);
    typed = 0;
  });
  listen(document, "input change", (event) => {
    if (event.type === "input" && event.timeStamp - typed < TYPING_MS) return;
    typed = event.timeStamp;
    emit("input", origin(event));
  });
  listen(document, "submit copy cut paste", (event) => emit(event.type.replace("cut", "copy"), origin(event)));
  listen(window, "focus blur", ({ target, type }) => target === window && emit(type, target));
};

const watchSilence = () => {
  let active = Date.now();
  let next = IDLE_S;
  listen(document, "pointermove pointerdown keydown scroll", ({ type }) => {
    active = Date.now();
    next = IDLE_S;
    if (type === "keydown") touched.typed = active;
  });
  const look = () => {
    const quiet = Math.round((Date.now() - active) / 1000);
    if (quiet >= next && document.visibilityState === "visible") {
      emit("idle", 0, { value: quiet });
      next = quiet * 2;
    }
    later(look, Math.max(1, Math.min(IDLE_S, next - quiet)) * 1000);
  };
  look();
};

const came = (/** @type {string} */ kind) => emit("navigation", 0, { kind, url: url() });

export const watchPage = () => {
  here = url() + location.hash;
  const { type } = /** @type {any} */ (performance.getEntriesByType("navigation")[0] || {});
  emit("page_view", 0, { url: url(), kind: type === "reload" ? type : undefined });
  if (type === "back_forward") came("back");
  watchMoves();
  watchScroll();
  watchTrouble();
  watchFields();
  watchSilence();
  listen(document, "visibilitychange", () => {
    const kind = document.visibilityState;
    emit("visibility", 0, { kind });
    if (kind === "hidden") park(false);
    else wake();
  });
  listen(window, "pagehide freeze", () => {
    gone();
    park(true);
  });
  listen(window, "resume online", wake);
  listen(window, "pageshow", ({ persisted }) => {
    if (!persisted) return;
    came("back");
    wake();
  });
};
