// @ts-check
/** The built-in help card. It never takes the focus from what the visitor is doing; Escape sends it away. */

import { card, make } from "./card.js";

const CSS = `:host{inset:auto;inset-block-end:var(--sessionmood-bottom,0px);inset-inline-end:var(--sessionmood-end,0px);width:min(22rem,100vw);padding:1rem;box-sizing:border-box}
section{color:var(--sessionmood-text,#1b1b2b);background:var(--sessionmood-background,#fff);--p:var(--sessionmood-accent,#4f46e5);font:15px/1.45 var(--sessionmood-font,system-ui);border:1px solid #8884;border-radius:var(--sessionmood-radius,16px);box-shadow:0 12px 40px #0004;padding:1.1rem 1.2rem;position:relative}
.dark{color:var(--sessionmood-text,#f2f2f7);background:var(--sessionmood-background,#23232f);--p:var(--sessionmood-accent,#a5a0ff);--q:#14141d}
h2{font-size:1.12em;margin:0 2em .3em 0}p{margin:0 0 .9em}div{display:flex;gap:.5em}
button,a{font:inherit;font-weight:600;color:inherit;background:none;border:1px solid #8886;border-radius:.65em;padding:.55em .95em;cursor:pointer;text-decoration:none}
.go{background:var(--p);color:var(--sessionmood-on-accent,var(--q,#fff))}
.x{position:absolute;inset-block-start:.5em;inset-inline-end:.5em;border:0}
:focus-visible{outline:3px solid var(--p);outline-offset:2px}
@media(prefers-reduced-motion:no-preference){section{animation:i .3s}@keyframes i{from{opacity:0;transform:translateY(1rem)}}}`;

const TEXTS = {
  helpTitle: "Need a hand?",
  helpText: "It looks as if something doesn’t work as you expect.",
  helpAccept: "Get help",
  helpLater: "Not now",
  helpClose: "Close",
  helpQuestion: "Were you stuck?",
  helpYes: "Yes",
  helpNo: "No",
};
/** The question goes by itself. */
const LINGER_MS = 8000;

/** @param {any} offer @param {(target: EventTarget, types: string, fn: (event: any) => void) => void} listen */
export const show = (offer, listen) => {
  const { options } = offer;
  const text = (/** @type {keyof typeof TEXTS} */ name) => options[name] || TEXTS[name];
  const theme = options.helpTheme || matchMedia("(prefers-color-scheme:dark)").matches;
  const box = make("section", { className: theme === true || theme === "dark" ? "dark" : "", role: "dialog", ariaLive: "polite" });
  const close = () => host.remove();
  /** @param {string} textContent @param {() => void} fn @param {object} [fields] */
  const button = (textContent, fn, fields) => {
    const element = make("button", { type: "button", textContent, ...fields });
    listen(element, "click", fn);
    return element;
  };
  /** @param {string} title @param {() => void} dismiss @param {(Node | string)[]} body @param {Node[]} buttons */
  const fill = (title, dismiss, body, ...buttons) => {
    box.ariaLabel = title;
    box.replaceChildren(
      make("h2", {}, title),
      ...body,
      make("div", {}, ...buttons),
      button("✕", dismiss, { className: "x", ariaLabel: text("helpClose") }),
    );
  };
  const ask = () => {
    const answer = (/** @type {keyof typeof TEXTS} */ name, /** @type {boolean} */ right) =>
      button(text(name), () => {
        offer.feedback(right);
        close();
      });
    fill(text("helpQuestion"), close, [], answer("helpYes", true), answer("helpNo", false));
    setTimeout(close, LINGER_MS);
  };
  const dismiss = () => {
    offer.dismiss();
    ask();
  };
  const go = { className: "go", href: options.helpUrl, target: "_blank", rel: "noopener", textContent: text("helpAccept") };
  const accept = make(options.helpUrl ? "a" : "button", go);
  listen(accept, "click", () => {
    offer.accept();
    ask();
  });
  const { help } = options;
  const given = help?.call ? help(offer) : document.querySelector(options.helpContent || "_");
  const host = card("session-mood", CSS, box);
  host.dir = getComputedStyle(document.documentElement).direction;
  fill(
    text("helpTitle"),
    dismiss,
    [given?.content?.cloneNode(true) || given || make("p", {}, text("helpText"))],
    accept,
    button(text("helpLater"), () => {
      offer.snooze();
      close();
    }),
  );
  listen(document, "keydown", ({ key }) => {
    if (key !== "Escape" || !host.isConnected) return;
    offer.dismiss();
    close();
  });
};
