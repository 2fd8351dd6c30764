// @ts-check
/**
 * The built-in help card. It never takes the focus from what the visitor is doing; the next Tab leads into it, F6
 * always does, Escape sends it away, and the focus goes back to where it came from.
 */

import { card, make } from "./card.js";
import { label } from "./label.js";
import { focused, modal, place } from "./place.js";

const CSS = `:host{inset:auto;padding:16px;padding-block-end:calc(16px + var(--sessionmood-bottom,0px));padding-inline-end:calc(16px + var(--sessionmood-end,0px));width:calc(var(--w) + var(--sessionmood-end,0px));max-width:100vw;overflow:visible;box-sizing:border-box;transform-origin:0 0;pointer-events:none}
section{color:var(--sessionmood-text,#1b1b2b);background:var(--sessionmood-background,#fff);--p:var(--sessionmood-accent,#4f46e5);font:15px/1.45 var(--sessionmood-font,system-ui);border:1px solid #8884;border-radius:var(--sessionmood-radius,16px);box-shadow:0 12px 40px #0004;padding:1.1rem;position:relative;pointer-events:auto;box-sizing:border-box;max-height:calc(var(--h) - 32px);overflow:auto;overflow-wrap:anywhere}
.dark{color:var(--sessionmood-text,#f2f2f7);background:var(--sessionmood-background,#23232f);--p:var(--sessionmood-accent,#a5a0ff);--q:#14141d}
h2{font-size:1.12em;margin:0 0 .3em;padding-inline-end:2em}p{margin:0 0 .9em}
button,a{display:inline-block;font:inherit;font-weight:600;color:inherit;background:none;border:1px solid #8886;border-radius:.65em;padding:.55em .95em;cursor:pointer;text-decoration:none;margin-inline-end:.5em}
.go{background:var(--p);color:var(--sessionmood-on-accent,var(--q,#fff))}
.x{position:absolute;inset-block-start:.5em;inset-inline-end:0;border:0}
:focus-visible{outline:3px solid var(--p);outline-offset:2px}
@media(prefers-reduced-motion:no-preference){section{animation:i .3s}@keyframes i{from{opacity:0;transform:translateY(1rem)}}}`;

const TEXTS = {
  helpTitle: "Need a hand?",
  helpText: "Is something not working as you expect?",
  helpStuck: "‘{label}’ does not respond",
  helpAlone: "Is something not working?",
  helpRetry: "Trying again in a moment, or reloading the page, may help.",
  helpAccept: "Get help",
  helpRead: "Got it",
  helpLater: "Not now",
  helpClose: "Close",
  helpQuestion: "Were you stuck?",
  helpYes: "Yes",
  helpNo: "No",
};
/** The question goes by itself. */
const LINGER_MS = 8000;
const REACHABLE = "a[href],button,input,select,textarea,[tabindex='0']";

/** The card that is shown now. @type {(() => void) | undefined} */
let last;

/** What the author gave to be shown: by a function, or in a template; nothing when that fails.
 * @param {any} offer @param {any} options */
const contentOf = (offer, { help, helpContent }) => {
  try {
    const given = help?.call ? help(offer) : document.querySelector(helpContent || "_");
    return given?.content?.cloneNode(true) || given;
  } catch (error) {
    console.warn("SessionMood: the help card's content failed:", error);
  }
};

/** @param {any} offer @param {any} inside */
export const popup = (offer, inside) => {
  const { FIELDS, options, touched } = inside;
  last?.();
  /** The author's words, where they are words. @param {keyof typeof TEXTS} name */
  const own = (name) => typeof options[name] === "string" && options[name];
  const text = (/** @type {keyof typeof TEXTS} */ name) => own(name) || TEXTS[name];
  const theme = options.helpTheme || matchMedia("(prefers-color-scheme:dark)").matches;
  const box = make("section", {
    className: theme === true || theme === "dark" ? "dark" : "",
    role: "dialog",
    ariaLive: "polite",
    ariaKeyShortcuts: "F6",
  });
  const life = new AbortController();
  const close = () => {
    if (!host.isConnected && life.signal.aborted) return;
    if (host.shadowRoot.activeElement) giveBack();
    life.abort();
    placed.end();
    host.remove();
    last = undefined;
  };

  // What it says

  /** @param {keyof typeof TEXTS} name @param {() => void} fn @param {object} [fields] */
  const button = (name, fn, fields) => {
    const element = make(fields && options.helpUrl ? "a" : "button", { textContent: text(name), ...fields });
    element.addEventListener("click", fn);
    return element;
  };
  /** @param {string} title @param {() => void} dismiss @param {any[]} rest */
  const fill = (title, dismiss, ...rest) => {
    const shut = button("helpClose", dismiss);
    Object.assign(shut, { className: "x", ariaLabel: shut.textContent, textContent: "✕" });
    const held = host.shadowRoot.activeElement;
    box.ariaLabel = title;
    box.replaceChildren(make("h2", {}, title), ...rest, shut);
    if (held) first().focus();
    placed.fit();
  };
  const ask = () => {
    const answer = (/** @type {keyof typeof TEXTS} */ name) =>
      button(name, () => {
        offer.feedback(name === "helpYes");
        close();
      });
    fill(text("helpQuestion"), close, answer("helpYes"), answer("helpNo"));
    // Whoever is in it by the keyboard may take their time.
    setTimeout(() => host.shadowRoot.activeElement || close(), LINGER_MS);
  };
  /** @param {"accept" | "dismiss"} outcome */
  const then = (outcome) => () => {
    offer[outcome]();
    ask();
  };

  // Keys

  /** Where the focus was before it came here. @type {any} */
  let from;
  const reachable = () => box.querySelectorAll(REACHABLE);
  const first = () => reachable()[0];
  const enter = () => {
    from = focused();
    first().focus();
  };
  const giveBack = () => {
    const back = from?.isConnected && from !== document.body ? from : touched.element;
    host.shadowRoot.activeElement?.blur();
    back?.focus?.({ preventScroll: true });
  };
  const pressed = (/** @type {KeyboardEvent} */ event) => {
    const { key, shiftKey, altKey, ctrlKey, metaKey, isComposing } = event;
    if (altKey || ctrlKey || metaKey || isComposing) return;
    const here = host.shadowRoot.activeElement;
    const all = reachable();
    const edge = all[shiftKey ? 0 : all.length - 1];
    if (key === "Escape") {
      // It belongs to the dialog that is open, unless the visitor is in here.
      if (!here && modal()) return;
      offer.dismiss();
      close();
      if (!here) return;
    } else if (here && key === "Tab" && here !== edge) {
      // The browser's own way through the card; not for a dialog of the page that holds the focus.
      event.stopImmediatePropagation();
      return;
    } else if (here && (key === "F6" || key === "Tab")) giveBack();
    // Who is filling in a form goes on to the next field.
    else if (!here && (key === "F6" || (key === "Tab" && !shiftKey && !from && !inside.up(focused(), FIELDS)))) enter();
    else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  };
  window.addEventListener("keydown", pressed, { capture: true, signal: life.signal });

  const host = card("session-mood", CSS, box);
  // The page's dialogs and menus must not take a press or the focus here for one outside of them, and close.
  for (const type of ["pointerdown", "mousedown", "touchstart", "click", "keydown"]) {
    host.addEventListener(type, (/** @type {Event} */ event) => event.stopPropagation());
  }
  for (const type of ["focusin", "focusout"]) {
    window.addEventListener(
      type,
      (/** @type {any} */ event) => (event.target === host || event.relatedTarget === host) && event.stopImmediatePropagation(),
      { capture: true, signal: life.signal },
    );
  }
  const placed = place(host, box, inside);
  last = close;

  const given = contentOf(offer, options);
  const opens = options.helpUrl || offer.onAccept?.call;
  const useful = opens || given;
  const known =
    (own("helpStuck") || !own("helpTitle")) &&
    (offer.test || offer.reading?.because.some((/** @type {any} */ { signal }) => /rage|dead/.test(signal))) &&
    touched.stuck?.isConnected &&
    label(touched.stuck, FIELDS);
  const title = known
    ? text("helpStuck").replace("{label}", () => `\u2068${known}\u2069`)
    : text(useful || own("helpTitle") ? "helpTitle" : "helpAlone");
  const words = text(own("helpText") ? "helpText" : !useful ? "helpRetry" : known ? "helpTitle" : "helpText");
  const accept = then("accept");
  fill(
    title,
    then("dismiss"),
    given || make("p", {}, words),
    ...(useful
      ? [
          button(
            opens || own("helpAccept") ? "helpAccept" : "helpRead",
            () => {
              accept();
              offer.onAccept?.(offer);
            },
            { className: "go", href: options.helpUrl, target: "_blank" },
          ),
        ]
      : []),
    button("helpLater", () => {
      offer.snooze();
      close();
    }),
  );
  if (!useful) {
    console.info(
      `SessionMood: the help card has nothing to open (data-help-url, data-help-content, onAccept): ${options.host}/docs#help-card`,
    );
  }
};
